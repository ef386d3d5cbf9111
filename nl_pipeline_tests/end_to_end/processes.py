"""A whole deployment as real processes: sandbox, receiver, and Dagster's daemon with its code.

Belongs here: starting and stopping them, what people do, and waiting for what is to be seen in the
CRM. Not here: assertions. The benchmark of freshness runs on it as well.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg

import nl_pipeline
from nl_pipeline.orchestration.run_guard import PROCESS_TAG
from nl_pipeline.orchestration.webhook_sensor import INGEST_WEBHOOKS
from nl_pipeline.settings import CONFIG_VARIABLE, DEFAULT_FILE, SANDBOX_CONNECTION
from nl_pipeline_tests.sandbox_control import SandboxControl

_CHECKOUT = Path(nl_pipeline.__file__).parents[1]
_COMMAND = "import sys; from nl_pipeline.cli import main; sys.exit(main())"
_PATIENCE_SECONDS = 120.0
_LOOK_EVERY_SECONDS = 0.05
CANCEL = "2"
"""Key of `newsletter_aktiv`."""


@dataclass
class Processes:
    """The running deployment; `folder` holds its settings, warehouse, log and Dagster history."""

    folder: Path
    control: SandboxControl
    sandbox_port: int
    receiver_port: int
    _daemon: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _receiver: list[subprocess.Popen[bytes]] = field(default_factory=list)

    # Processes

    def command(self, *arguments: str) -> str:
        """Run `nl-pipeline` to its end; its output."""
        ended = subprocess.run(
            [sys.executable, "-c", _COMMAND, *arguments],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
        if ended.returncode not in (0, 3):
            raise RuntimeError(f"{arguments[0]} ended with {ended.returncode}: {ended.stderr}")
        return ended.stdout

    def start_receiver(self) -> None:
        """Start the receiver and wait until it answers."""
        port = str(self.receiver_port)
        self._receiver.append(
            self._started(sys.executable, "-c", _COMMAND, "receive", "--port", port)
        )
        self.command("receive", "--port", port, "--check", "--wait", "60")

    def stop_receiver(self) -> None:
        """Kill the receiver."""
        _killed(self._receiver)

    def start_daemon(self) -> None:
        """Start Dagster's daemon, which starts a server of our code, and wait for its sensors."""
        home = self.folder / "dagster_home"
        home.mkdir(exist_ok=True)
        shutil.copy(_CHECKOUT / "deploy" / "dagster.yaml", home / "dagster.yaml")
        with dg.DagsterInstance.from_config(str(home)):
            # Creates the tables, which two processes can not do at once.
            pass
        workspace = str(_CHECKOUT / "deploy" / "dev.yaml")
        self._daemon.append(
            self._started(sys.executable, "-m", "dagster._daemon", "run", "-w", workspace)
        )
        self.wait_for_a_tick()

    def stop_daemon(self) -> None:
        """Kill the daemon and the server of our code."""
        _killed(self._daemon)

    def wait_for_a_tick(self) -> None:
        """Wait until the sensor of webhooks has looked."""
        began = time.time()
        with dg.DagsterInstance.from_config(str(self.folder / "dagster_home")) as instance:

            def ticked() -> bool:
                return any(
                    state.name == "webhook_sensor"
                    and any(
                        tick.timestamp > began
                        for tick in instance.get_ticks(
                            state.instigator_origin_id, state.selector_id, limit=1
                        )
                    )
                    for state in instance.all_instigator_state()
                )

            _wait(ticked, what="a tick of the webhook sensor")

    def wait_for_a_run(self) -> None:
        """Wait until an ingest is in the middle of its steps."""
        under_way = dg.RunsFilter(job_name=INGEST_WEBHOOKS, statuses=[dg.DagsterRunStatus.STARTED])
        with dg.DagsterInstance.from_config(str(self.folder / "dagster_home")) as instance:
            _wait(
                lambda: any(PROCESS_TAG in run.tags for run in instance.get_runs(under_way)),
                what="a run of the ingest",
            )

    def _started(self, *command: str) -> subprocess.Popen[bytes]:
        with (self.folder / "stderr.txt").open("ab") as errors:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                env=self._environment,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                # A group of its own: the daemon has children.
                start_new_session=True,
            )

    @property
    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONPATH": str(_CHECKOUT),
            "DAGSTER_HOME": str(self.folder / "dagster_home"),
            CONFIG_VARIABLE: str(self.folder / DEFAULT_FILE),
        }

    # People, and what is there

    def someone(self) -> Iterator[str]:
        """Addresses of subscribers who are one contact that says Yes, one after the other."""
        contacts = self.control.dump("onoffice")["addresses"]
        agreed = [c["Email"] for c in contacts if c["newsletter_aktiv"] == "1"]
        members = self.control.dump("mailchimp")["members"]
        subscribed = {m["email_address"] for m in members if m["status"] == "subscribed"}
        for email in agreed:
            if agreed.count(email) == 1 and email in subscribed:
                yield email

    def unsubscribe(self, email: str) -> None:
        """The click."""
        self.control.act("mailchimp", actor="person", action="unsubscribe", email=email)

    def submit_lead(self, email: str, *, first_name: str, last_name: str) -> None:
        """Somebody fills in the contact form at LinkedIn."""
        answers = {"email": email, "first_name": first_name, "last_name": last_name}
        self.control.act("linkedin", actor="person", action="submit", **answers)

    def contacts(self, email: str) -> list[int]:
        """Contacts with this address."""
        contacts = self.control.dump("onoffice")["addresses"]
        return [int(c["id"]) for c in contacts if c["Email"] == email]

    def seconds_until_there(self, email: str) -> float:
        """Wait until there is a contact with this address; seconds from now."""
        began = time.monotonic()
        _wait(lambda: bool(self.contacts(email)), what="the contact in the CRM")
        return time.monotonic() - began

    def newsletter(self, email: str) -> str:
        """`newsletter_aktiv` of the contact with this address."""
        contacts = self.control.dump("onoffice")["addresses"]
        return next(str(c["newsletter_aktiv"]) for c in contacts if c["Email"] == email)

    def activities(self, email: str) -> list[str]:
        """Types of the activities of the contact with this address."""
        dump = self.control.dump("onoffice")
        number = next(c["id"] for c in dump["addresses"] if c["Email"] == email)
        return [a["Aktionstyp"] for a in dump["activities"] if a["Adress_nr"] == number]

    def seconds_until_cancelled(self, email: str) -> float:
        """Wait until the contact says Cancellation; seconds from now."""
        began = time.monotonic()
        _wait(lambda: self.newsletter(email) == CANCEL, what="the cancellation in the CRM")
        return time.monotonic() - began

    def wait_for_activity(self, email: str, *, kind: str) -> None:
        """Wait until the contact has an activity of this type."""
        _wait(lambda: kind in self.activities(email), what="the activity in the CRM")


@contextlib.contextmanager
def deployed(folder: Path, *, contacts: int) -> Iterator[Processes]:
    """Sandbox and receiver run, the first sync is done; `start_daemon` starts Dagster."""
    ports = _free_ports(2)
    sandbox = subprocess.Popen(
        [
            *(sys.executable, "-c", _COMMAND, "sandbox", "serve"),
            *("--port", str(ports[0]), "--contacts", str(contacts)),
        ],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(_CHECKOUT)},
    )
    control = SandboxControl(f"http://127.0.0.1:{ports[0]}")
    running = Processes(folder, control, ports[0], ports[1])
    try:
        running.command(
            *("sandbox", "connect", "--port", str(ports[0])),
            *("--receiver", str(ports[1]), "--wait", "60"),
        )
        running.start_receiver()
        running.command("setup", SANDBOX_CONNECTION)
        plan = running.command("plan", SANDBOX_CONNECTION, "--json")
        running.command("apply", _plan_id(plan))
        yield running
    finally:
        running.stop_daemon()
        running.stop_receiver()
        control.close()
        _killed([sandbox])


def _plan_id(text: str) -> str:
    return str(json.loads(text)["plan_id"])


def _free_ports(number: int) -> list[int]:
    with contextlib.ExitStack() as open_sockets:
        found = []
        for _ in range(number):
            listener = open_sockets.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            found.append(int(listener.getsockname()[1]))
    return found


def _killed(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.wait()
    processes.clear()


def _wait(seen: Callable[[], bool], *, what: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not seen():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come in {_PATIENCE_SECONDS:.0f} s")
        time.sleep(_LOOK_EVERY_SECONDS)
