"""The tables of the configuration page: every key of the connections file, from the models.

Belongs here: the generated part of ``docs/configuration.md``. Must not be here: what a setting
means (its model says that) and the hand-written introduction, which stands in the page itself.
``python -m nl_pipeline.settings.page docs/configuration.md`` renews the page; a test holds the
file against the models.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from nl_pipeline.settings.documentation import SettingDoc, describe, field_at

#: Everything below this line of the page is generated.
MARKER = (
    "<!-- generated from the settings models; "
    "renew: python -m nl_pipeline.settings.page docs/configuration.md -->"
)

_CONNECTION = "connections.<name>."

#: Prefix of a group of keys, without that of a connection, and its heading; the first that fits
#: counts.
_GROUPS: tuple[tuple[str, str], ...] = (
    ("crm.onoffice.", "CRM: onOffice"),
    ("provider.mailchimp.audience_details.", "Mailchimp: details for creating an audience"),
    ("provider.mailchimp.", "Provider: Mailchimp"),
    ("provider.brevo.limits.", "Brevo: limits of the plan"),
    ("provider.brevo.double_opt_in.", "Brevo: the mail that asks for a confirmation"),
    ("provider.brevo.", "Provider: Brevo"),
    ("leads.linkedin.owners[].", "LinkedIn: one owner of forms"),
    ("leads.linkedin.forms.<form>.fields[].", "LinkedIn: one answer of a form"),
    ("leads.linkedin.forms.<form>.", "LinkedIn: one form"),
    ("leads.linkedin.new_forms.fields[].", "LinkedIn: one answer of every form"),
    ("leads.linkedin.new_forms.", "LinkedIn: what holds for every form"),
    ("leads.linkedin.", "Leads: LinkedIn"),
    ("audiences[].", "One audience of leads"),
    ("fields[].", "One profile field"),
    ("tags.", "Tags"),
    ("activities.", "Activities"),
    ("brakes.", "Brakes"),
    ("schedules.", "Schedules"),
    ("webhooks.limits.", "Webhooks: limits of the receiver"),
    ("webhooks.", "Webhooks"),
)
_COLUMNS = "| key | type | default | allowed | meaning |\n|---|---|---|---|---|\n"
_WHOLE_CONNECTION = "The connection as a whole"
_FILE = "The file as a whole"


def configuration_tables() -> str:
    """One table for each group of keys, in Markdown."""
    groups: dict[str, list[SettingDoc]] = {_FILE: [], _WHOLE_CONNECTION: []}
    for doc in describe():
        groups.setdefault(_group_of(doc.key), []).append(doc)
    return "\n".join(_table(heading, docs=docs) for heading, docs in groups.items())


def renewed(page: str) -> str:
    """``page`` with everything below the marker generated anew. ValueError without a marker."""
    introduction, marker, _ = page.partition(MARKER)
    if not marker:
        raise ValueError("the page has no marker line, so nothing says where the tables begin")
    return f"{introduction}{MARKER}\n\n{configuration_tables()}"


def _group_of(key: str) -> str:
    below = key.removeprefix(_CONNECTION)
    rest = _FILE if below == key else _WHOLE_CONNECTION
    return next((name for prefix, name in _GROUPS if below.startswith(prefix)), rest)


def _table(heading: str, *, docs: Iterable[SettingDoc]) -> str:
    rows = "".join(_row(doc) for doc in docs)
    return f"## {heading}\n\n{_COLUMNS}{rows}"


def _row(doc: SettingDoc) -> str:
    key = doc.key.removeprefix(_CONNECTION)
    default = f"`{doc.default}`" if doc.default else ""
    cells = (f"`{key}`", doc.type, default, doc.allowed, _meaning(doc))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _meaning(doc: SettingDoc) -> str:
    """The description; of a key inside an entry of its group, after that of the entry.

    ``brakes.removals.count`` alone says "Rows.", which is true and tells nobody what is counted.
    """
    below = doc.key.removeprefix(_CONNECTION)
    group = next((prefix for prefix, _ in _GROUPS if below.startswith(prefix)), "")
    if "." not in below.removeprefix(group):
        return doc.description
    entry = field_at(tuple(doc.key.split(".")[:-1]))
    described = "" if entry is None else entry.description or ""
    return f"{described} {doc.description}".strip()


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(renewed(path.read_text(encoding="utf-8")), encoding="utf-8")
