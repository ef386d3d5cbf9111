"""Processes: what Brevo does in its own time, and the endpoints that tell how far it is.

Belongs here: beginning, running and showing a process. Does not belong here: what one does, which
is the work that ``imports``, ``exports`` and others give it.
"""

from __future__ import annotations

from typing import Any, Protocol

from nl_pipeline.sandbox.brevo import errors
from nl_pipeline.sandbox.brevo.account import Account
from nl_pipeline.sandbox.brevo.calls import Answer, ApiCall
from nl_pipeline.sandbox.brevo.paging import page_of
from nl_pipeline.sandbox.brevo.state import Process

DEFAULT_ON_A_PAGE = 10
MOST_ON_A_PAGE = 50

QUEUED_SHARE = 0.1
"""How much of its time a process is queued before it is seen at work [inferred]."""

IMPORT = "IMPORTUSER"


class Work(Protocol):
    """What a process does when it falls due."""

    def carry_out(self, account: Account, process: Process) -> None:
        """Do it, and leave the results in the process."""
        ...


def begin(
    account: Account,
    call: ApiCall,
    *,
    name: str,
    seconds: float,
    work: Work,
    notify_url: str = "",
    notifies_account: bool = False,
) -> Process:
    """Accept a process; it is carried out when it falls due."""
    now = account.now()
    process = Process(
        id=account.ids.number("process"),
        name=name,
        started_at=now,
        due_at=now + round(seconds * 1000),
        key_name=call.key_name,
        base_url=call.base_url,
        notify_url=notify_url,
        notifies_account=notifies_account,
        work=work,
    )
    account.processes[process.id] = process
    account.waiting.append(process)
    return process


def run_due(account: Account) -> None:
    """Carry out what has fallen due, in the order it was accepted."""
    if not account.waiting:
        return
    now = account.now()
    for process in [process for process in account.waiting if process.due_at <= now]:
        # Still waiting while it works, for an import's own changes happen during the import.
        process.work.carry_out(account, process)
        account.waiting.remove(process)
        process.work = None
        process.status = "completed"
        process.completed_at = now
        if process.notify_url:
            account.notices.call_back(process.notify_url, body=shown(account, process))


def list_processes(account: Account, call: ApiCall) -> Answer:
    """``GET /processes``."""
    page = page_of(
        account.processes.values(), call=call, default=DEFAULT_ON_A_PAGE, most=MOST_ON_A_PAGE
    )
    rows = [shown(account, process) for process in page.rows]
    return Answer({"count": page.total, "processes": rows})


def read_process(account: Account, call: ApiCall) -> Answer:
    """``GET /processes/{processId}``."""
    process = account.processes.get(call.id_of("process_id", what="Process ID"))
    if process is None:
        raise errors.not_found("Process ID does not exist")
    return Answer(shown(account, process))


def shown(account: Account, process: Process) -> dict[str, Any]:
    """The process; the reports of an import only when it is completed."""
    view: dict[str, Any] = {
        "id": process.id,
        "name": process.name,
        "status": _status(account, process),
    }
    if process.export_url is not None:
        view["export_url"] = process.export_url
    if process.reports is not None:
        view["info"] = {"import": process.reports}
    return view


def _status(account: Account, process: Process) -> str:
    if process.status != "waiting":
        return process.status
    queued_until = process.started_at + QUEUED_SHARE * (process.due_at - process.started_at)
    if account.now() <= queued_until:
        return "queued"
    return account.switches.process_wording
