"""A Dagster deployment over running sandboxes: one settings file, one instance.

Belongs here: driving jobs, assets and the push sensor the way the UI, the schedules and the daemon
do, and acts of people in the twins. Not here: assertions.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import yaml

from nl_pipeline import settings
from nl_pipeline.definitions import build_defs
from nl_pipeline.domain.plan import Plan
from nl_pipeline.orchestration.resources import ConnectionsResource
from nl_pipeline.sandbox import credentials
from nl_pipeline.settings import SANDBOX_BREVO_CONNECTION, SANDBOX_CONNECTION, Settings
from nl_pipeline.sync.link import Link, open_link, open_warehouse
from nl_pipeline.warehouse import plans
from nl_pipeline_tests.sandbox_control import SandboxControl

SECRETS = {
    "NL_SANDBOX_ONOFFICE_TOKEN": credentials.ONOFFICE_TOKEN,
    "NL_SANDBOX_ONOFFICE_SECRET": credentials.ONOFFICE_SECRET,
    "NL_SANDBOX_MAILCHIMP_API_KEY": credentials.MAILCHIMP_API_KEY,
    "NL_SANDBOX_BREVO_API_KEY": credentials.BREVO_API_KEY,
    "NL_SANDBOX_LINKEDIN_CLIENT_ID": credentials.LINKEDIN_CLIENT_ID,
    "NL_SANDBOX_LINKEDIN_CLIENT_SECRET": credentials.LINKEDIN_CLIENT_SECRET,
    "NL_SANDBOX_LINKEDIN_ACCESS_TOKEN": credentials.LINKEDIN_ACCESS_TOKEN,
    "NL_SANDBOX_LINKEDIN_REFRESH_TOKEN": credentials.LINKEDIN_REFRESH_TOKEN,
}
NO = "0"
"""Key of `newsletter_aktiv`."""


def write_connections(
    folder: Path,
    controls: Mapping[str, SandboxControl],
    *,
    at_brevo: Collection[str] = (),
    **options: Any,
) -> Path:
    """A connections file with one connection per sandbox, to Mailchimp except those `at_brevo`;
    `options` go to each of them."""
    connections = {}
    for name, control in controls.items():
        like = SANDBOX_BREVO_CONNECTION if name in at_brevo else SANDBOX_CONNECTION
        entry = yaml.safe_load(settings.sandbox_text())["connections"][like]
        entry["crm"]["onoffice"]["base_url"] = control.onoffice_url
        ((provider, account),) = entry["provider"].items()
        account["base_url"] = {"mailchimp": control.mailchimp_url, "brevo": control.brevo_url}[
            provider
        ]
        if "leads" in entry:
            entry["leads"]["linkedin"] |= {
                "base_url": control.linkedin_url,
                "oauth_url": control.linkedin_oauth_url,
            }
        connections[name] = entry | options
    file = folder / "connections.yaml"
    file.write_text(yaml.safe_dump({"connections": connections}), encoding="utf-8")
    return file


@dataclass(frozen=True)
class Deployment:
    """Definitions, instance and sandboxes (by connection). Runs are executed in this process."""

    settings_file: Path
    instance: dg.DagsterInstance
    controls: Mapping[str, SandboxControl]
    defs: dg.Definitions

    @classmethod
    def over(
        cls, file: Path, *, instance: dg.DagsterInstance, controls: Mapping[str, SandboxControl]
    ) -> Deployment:
        """A deployment of the settings in `file` whose steps do not wait before a second try."""
        resource = ConnectionsResource(settings_file=str(file), retry_after_seconds=0)
        defs = build_defs(settings_file=file, resources={"connections": resource})
        return cls(settings_file=file, instance=instance, controls=controls, defs=defs)

    @property
    def settings(self) -> Settings:
        return settings.load(self.settings_file)

    # What Dagster does

    def run(
        self,
        job: str,
        connection: str,
        *,
        only: Sequence[str] | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> dg.ExecuteInProcessResult:
        """One run of a job; `only`: these of its assets; `config`: asset name to its config."""
        run_config = {"ops": {name: {"config": value} for name, value in (config or {}).items()}}
        return self.defs.resolve_job_def(job).execute_in_process(
            partition_key=connection,
            asset_selection=None if only is None else [dg.AssetKey(name) for name in only],
            run_config=run_config if config else None,
            instance=self.instance,
            raise_on_error=False,
        )

    def materialize(
        self, connection: str, *assets: str, config: Mapping[str, Any] | None = None
    ) -> dg.ExecuteInProcessResult:
        """Assets chosen by hand, as the button Materialize does."""
        return self.run("__ASSET_JOB", connection, only=assets, config=config)

    def approve(self, connection: str, *, plan_id: str) -> dg.ExecuteInProcessResult:
        """The push job with the config that approves a first sync."""
        names = ("crm_push", "provider_push", "sync_report")
        return self.run("push_plan", connection, config={n: {"plan_id": plan_id} for n in names})

    def release(self, connection: str, *, plan_id: str) -> dg.ExecuteInProcessResult:
        """The release job."""
        release = {"plan_id": plan_id, "by": "test", "reason": "test"}
        return self.run("release_plan", connection, config={"release_held_rows": release})

    def tick(self, *, cursor: str | None, sensor: str = "push_sensor") -> dg.SensorResult:
        """One evaluation of a sensor, by default of the push sensor."""
        with dg.build_sensor_context(
            instance=self.instance, cursor=cursor, definitions=self.defs
        ) as context:
            result = self.defs.resolve_sensor_def(sensor)(context)
        assert isinstance(result, dg.SensorResult)
        return result

    def launch(self, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
        """What the daemon does with a request of the push sensor."""
        return self.defs.resolve_job_def("push_plan").execute_in_process(
            partition_key=request.partition_key,
            run_config=dict(request.run_config) or None,
            instance=self.instance,
            raise_on_error=False,
        )

    # What the command line does

    @contextlib.contextmanager
    def link(self, connection: str) -> Iterator[Link]:
        """The connection, opened as the command line opens it."""
        with open_link(self.settings, connection=connection) as link:
            yield link

    def latest_plan(self, connection: str) -> Plan:
        """The newest plan in the warehouse of the connection."""
        plan = plans.latest(open_warehouse(self.settings, connection=connection))
        assert plan is not None
        return plan

    def results(self, connection: str, *, plan_id: str) -> dict[str, int]:
        """Rows of a plan by result."""
        warehouse = open_warehouse(self.settings, connection=connection)
        return plans.count_results(warehouse, plan_id=plan_id)

    # What people do, and what is there

    def subscribed(self, connection: str) -> list[str]:
        """Addresses of the subscribed members, sorted."""
        return sorted(
            m["email_address"] for m in self.members(connection) if m["status"] == "subscribed"
        )

    def members(self, connection: str) -> list[dict[str, Any]]:
        """Members of the audience of the connection as the twin holds them."""
        dump = self.controls[connection].dump("mailchimp")
        ids = {a["id"] for a in dump["audiences"] if a["name"] == "onoffice"}
        return [member for member in dump["members"] if member["list_id"] in ids]

    def say_no(self, connection: str, emails: Sequence[str]) -> None:
        """Staff sets the newsletter field of these people to No."""
        self.controls[connection].act(
            "onoffice",
            actor="staff",
            action="modify",
            emails=list(emails),
            fields={"newsletter_aktiv": NO},
        )

    def rename(self, connection: str, email: str, *, first_name: str) -> None:
        """Staff changes the first name of the contacts with this address."""
        self.controls[connection].act(
            "onoffice",
            actor="staff",
            action="modify",
            email=email,
            fields={"Vorname": first_name},
        )

    def writes(self, connection: str) -> int:
        """Calls and actions that write, since `forget_calls`."""
        written = 0
        for call in self.controls[connection].calls():
            if call.service == "mailchimp" and call.method != "GET":
                written += call.count
            written += sum(
                count
                for action, count in call.actions.items()
                if not action.startswith(("read:", "get:"))
            )
        return written
