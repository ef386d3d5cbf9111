"""Submissions of lead forms: each is kept once, with what became of it.

Belongs here: storing, erasing, and noting the outcome together with ledger and activity. Must not
be here: calls, which submissions are imported (``domain.leads``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import duckdb
import msgspec
import pandas as pd

from nl_pipeline.domain.leads import (
    Answer,
    ConsentAnswer,
    ConsentEvidence,
    Lead,
    Owner,
    OwnerKind,
    Rank,
    Standing,
    Submitted,
)
from nl_pipeline.warehouse.connection import Warehouse
from nl_pipeline.warehouse.lead_forms import ToldBy
from nl_pipeline.warehouse.observations import naive

_answers = msgspec.json.Decoder(tuple[Answer, ...])
_consents = msgspec.json.Decoder(tuple[ConsentAnswer, ...])
_written = msgspec.json.Decoder(dict[str, str])
_STANDING = {
    "new": Standing.NEW,
    "open": Standing.OPEN,
    "creating": Standing.OPEN,
    "imported": Standing.IMPORTED,
    "erased": Standing.ERASED,
}
#: What is left to be done with: never tried, failed, or cut short.
UNFINISHED = ("new", "open", "creating")
#: Everything that is not erased.
LIVING = (*UNFINISHED, "imported")


@dataclass(frozen=True)
class StoredLead:
    """A submission as it is kept; `lead` comes without its form.

    `written`: the values it wrote at its contact, by field of the CRM. `was_imported`: whether it
    ever was, also if an error came after.
    """

    lead: Lead
    state: str
    origin: str
    crm_id: int | None
    written: Mapping[str, str] = field(repr=False)
    was_imported: bool

    @property
    def standing(self) -> Standing:
        """Its state in the words of the rules."""
        return _STANDING[self.state]


def store(
    warehouse: Warehouse, *, leads: Sequence[Lead], told_by: ToldBy, now: datetime
) -> Counter[int]:
    """Keep what is new of these submissions; returns how many are, by form.

    A person who registers again after taking a registration back comes under the old id: what is
    submitted later than what is known of an id is new. An erased one that is merely told again
    stays erased.
    """
    new: Counter[int] = Counter()
    if not leads:
        return new
    latest: dict[str, Lead] = {}
    for lead in leads:
        before = latest.get(lead.response_id)
        if before is None or before.submitted_at < lead.submitted_at:
            latest[lead.response_id] = lead
    with warehouse.transaction() as db:
        rows = db.execute(
            "SELECT response_id, greatest(submitted_at, coalesce(erased_at, submitted_at))"
            " FROM lead_submissions WHERE response_id IN (SELECT unnest($ids::VARCHAR[]))",
            {"ids": sorted(latest)},
        ).fetchall()
        known = {response_id: at.replace(tzinfo=UTC) for response_id, at in rows}
        arriving = [
            lead
            for response_id, lead in latest.items()
            if response_id not in known or lead.submitted_at > known[response_id]
        ]
        _insert(db, leads=arriving, told_by=told_by, now=now)
        new.update(lead.form_id for lead in arriving)
    return new


def _insert(
    db: duckdb.DuckDBPyConnection, *, leads: Sequence[Lead], told_by: ToldBy, now: datetime
) -> None:
    rows = [
        {
            "response_id": lead.response_id,
            "form_id": lead.form_id,
            "form_version": lead.form_version,
            "owner_kind": str(lead.owner.kind) if lead.owner else "",
            "owner_id": lead.owner.id if lead.owner else 0,
            "owner_name": lead.owner_name,
            "lead_type": str(lead.lead_type),
            "campaign_id": lead.campaign_id,
            "campaign_name": lead.campaign_name,
            "creative_id": lead.creative_id,
            "event_id": lead.event_id,
            "is_test": lead.is_test,
            "submitted_at": naive(lead.submitted_at),
            "answers": msgspec.json.encode(lead.answers).decode(),
            "consents": msgspec.json.encode(lead.consents).decode(),
            "contact_key": "",
            "told_by": told_by,
            "stored_at": naive(now),
            "state": "new",
            "origin": "",
            "crm_id": None,
            "written": None,
            "imported_at": None,
            "erased_at": None,
        }
        for lead in leads
    ]
    if rows:
        db.register("arriving_leads", pd.DataFrame(rows))
        db.execute("INSERT OR REPLACE INTO lead_submissions BY NAME SELECT * FROM arriving_leads")
        db.unregister("arriving_leads")


_READ = """
SELECT response_id, form_id, form_version, submitted_at, owner_kind, owner_id, owner_name,
    lead_type, is_test, campaign_id, campaign_name, creative_id, event_id, answers, consents,
    state, origin, crm_id, written, imported_at
FROM lead_submissions
"""


def read(
    warehouse: Warehouse,
    *,
    form_ids: Collection[int] = (),
    response_ids: Collection[str] = (),
    states: Collection[str] = UNFINISHED,
) -> list[StoredLead]:
    """Submissions of these forms, or these submissions, in these states; the oldest first."""
    with warehouse.session() as db:
        rows = db.execute(
            _READ + "WHERE state IN (SELECT unnest($states::VARCHAR[]))"
            " AND (form_id IN (SELECT unnest($forms::BIGINT[]))"
            " OR response_id IN (SELECT unnest($ids::VARCHAR[])))"
            " ORDER BY submitted_at, response_id",
            {"states": list(states), "forms": list(form_ids), "ids": list(response_ids)},
        ).fetchall()
    return [_stored(row) for row in rows]


def _stored(row: tuple[object, ...]) -> StoredLead:
    values = dict(zip(_COLUMNS, row, strict=True))
    kind = values["owner_kind"]
    lead = Lead(
        response_id=str(values["response_id"]),
        form_id=int(str(values["form_id"])),
        form_version=int(str(values["form_version"])),
        submitted_at=values["submitted_at"].replace(tzinfo=UTC),  # type: ignore[attr-defined]
        owner=Owner(OwnerKind(str(kind)), int(str(values["owner_id"]))) if kind else None,
        owner_name=str(values["owner_name"]),
        lead_type=str(values["lead_type"]),
        is_test=bool(values["is_test"]),
        campaign_id=str(values["campaign_id"]),
        campaign_name=str(values["campaign_name"]),
        creative_id=str(values["creative_id"]),
        event_id=str(values["event_id"]),
        answers=_answers.decode(str(values["answers"])) if values["answers"] else (),
        consents=_consents.decode(str(values["consents"])) if values["consents"] else (),
    )
    crm_id = values["crm_id"]
    return StoredLead(
        lead=lead,
        state=str(values["state"]),
        origin=str(values["origin"]),
        crm_id=int(str(crm_id)) if crm_id is not None else None,
        written=_written.decode(str(values["written"])) if values["written"] else {},
        was_imported=values["imported_at"] is not None,
    )


_COLUMNS = (
    *("response_id", "form_id", "form_version", "submitted_at", "owner_kind", "owner_id"),
    *("owner_name", "lead_type", "is_test", "campaign_id", "campaign_name", "creative_id"),
    *("event_id", "answers", "consents", "state", "origin", "crm_id", "written", "imported_at"),
)


def name_contacts(warehouse: Warehouse, *, keys: Mapping[str, str]) -> None:
    """Note by which key each of these submissions finds its contact."""
    if not keys:
        return
    frame = pd.DataFrame(list(keys.items()), columns=["response_id", "contact_key"], dtype="str")
    with warehouse.transaction() as db:
        db.register("named", frame)
        db.execute(
            "UPDATE lead_submissions SET contact_key = n.contact_key FROM named AS n"
            " WHERE lead_submissions.response_id = n.response_id"
            " AND lead_submissions.contact_key <> n.contact_key"
        )
        db.unregister("named")


def rivals(
    warehouse: Warehouse, *, contacts: Collection[str], with_tests: Collection[int]
) -> list[Submitted]:
    """All submissions of these contacts, from which the current ones follow.

    Test leads count at the forms `with_tests` only: elsewhere they must not supersede a real one.
    """
    with warehouse.session() as db:
        rows = db.execute(
            "SELECT contact_key, form_id, submitted_at, response_id FROM lead_submissions"
            " WHERE contact_key IN (SELECT unnest($keys::VARCHAR[])) AND state <> 'erased'"
            " AND (NOT is_test OR form_id IN (SELECT unnest($forms::BIGINT[])))",
            {"keys": list(contacts), "forms": list(with_tests)},
        ).fetchall()
    return [
        Submitted(key, form_id, Rank(at.replace(tzinfo=UTC), response_id))
        for key, form_id, at, response_id in rows
    ]


def written_before(
    warehouse: Warehouse, *, crm_ids: Collection[int]
) -> dict[int, dict[str, set[str]]]:
    """Values that submissions have written at these contacts, by field."""
    found: dict[int, dict[str, set[str]]] = {}
    with warehouse.session() as db:
        rows = db.execute(
            "SELECT crm_id, written FROM lead_submissions WHERE written IS NOT NULL"
            " AND crm_id IN (SELECT unnest($ids::BIGINT[]))",
            {"ids": list(crm_ids)},
        ).fetchall()
    for crm_id, written in rows:
        of_contact = found.setdefault(crm_id, {})
        for name, value in _written.decode(written).items():
            of_contact.setdefault(name, set()).add(value)
    return found


def forms_of_contacts(warehouse: Warehouse, *, crm_ids: Collection[int]) -> dict[int, set[int]]:
    """The forms that were imported for these contacts."""
    with warehouse.session() as db:
        rows = db.execute(
            "SELECT crm_id, list(DISTINCT form_id) FROM lead_submissions WHERE state <> 'erased'"
            " AND crm_id IN (SELECT unnest($ids::BIGINT[])) GROUP BY crm_id",
            {"ids": list(crm_ids)},
        ).fetchall()
    return {crm_id: set(form_ids) for crm_id, form_ids in rows}


def submitted_at(warehouse: Warehouse) -> dict[int, list[datetime]]:
    """When real submissions were made, by form."""
    with warehouse.session() as db:
        rows = db.execute(
            "SELECT form_id, list(submitted_at ORDER BY submitted_at) FROM lead_submissions"
            " WHERE NOT is_test AND state <> 'erased' GROUP BY form_id"
        ).fetchall()
    return {form_id: [at.replace(tzinfo=UTC) for at in moments] for form_id, moments in rows}


def begin_creating(warehouse: Warehouse, *, response_ids: Sequence[str]) -> None:
    """Note that contacts of these submissions are about to be created."""
    with warehouse.transaction() as db:
        db.execute(
            "UPDATE lead_submissions SET state = 'creating'"
            " WHERE response_id IN (SELECT unnest($ids::VARCHAR[]))",
            {"ids": list(response_ids)},
        )


@dataclass(frozen=True)
class Granted:
    """An accepted consent: the key it is for, and whether it counts. One that meets a withdrawal
    is kept and grants nothing."""

    key: str = field(repr=False)
    evidence: ConsentEvidence = field(repr=False)
    counts: bool


@dataclass(frozen=True)
class Imported:
    """A submission that reached its contact. `note` is the text of its activity, "" for none."""

    stored: StoredLead
    crm_id: int
    origin: str
    key: str = field(repr=False)
    written: Mapping[str, str] = field(repr=False)
    note: str
    granted: Granted | None


def note_imported(warehouse: Warehouse, *, imported: Sequence[Imported], now: datetime) -> int:
    """Note that these reached their contacts, plan their activities, and enter consents into the
    ledger, in one transaction. Returns how many consents were entered.

    The last look at the ledger is in the same transaction: a withdrawal is never overtaken.
    """
    entered = 0
    with warehouse.transaction() as db:
        for one in imported:
            lead = one.stored.lead
            db.execute(
                "UPDATE lead_submissions SET state = 'imported', origin = ?, crm_id = ?,"
                " written = ?, imported_at = ? WHERE response_id = ?",
                [
                    one.origin,
                    one.crm_id,
                    msgspec.json.encode(dict(one.written)).decode(),
                    naive(now),
                    lead.response_id,
                ],
            )
            if one.note:
                _plan_activity(db, one=one, now=now)
            if one.granted is not None:
                entered += _enter(db, one=one, granted=one.granted, now=now)
    return entered


def _plan_activity(db: duckdb.DuckDBPyConnection, *, one: Imported, now: datetime) -> None:
    lead = one.stored.lead
    db.execute(
        "INSERT INTO activities BY NAME SELECT md5('lead|' || $id || '|' || $at::VARCHAR)"
        " AS activity_key, $key AS key, $crm_id AS crm_id, 'lead' AS kind, $at AS happened_at,"
        " $note AS note, 'planned' AS state, '' AS record_id, '' AS cause, $now AS recorded_at,"
        " 'lead' AS source WHERE NOT EXISTS (SELECT 1 FROM activities WHERE kind = 'lead' AND"
        " activity_key = md5('lead|' || $id || '|' || $at::VARCHAR) AND crm_id = $crm_id)",
        {
            "id": lead.response_id,
            "key": one.key,
            "crm_id": one.crm_id,
            "at": naive(lead.submitted_at),
            "note": one.note,
            "now": naive(now),
        },
    )


def _enter(
    db: duckdb.DuckDBPyConnection, *, one: Imported, granted: Granted, now: datetime
) -> bool:
    proof = granted.evidence
    known = db.execute(
        "SELECT outcome FROM lead_consents WHERE response_id = ? AND key = ? AND accepted_at = ?",
        [proof.response_id, granted.key, naive(proof.accepted_at)],
    ).fetchall()
    said = db.execute("SELECT ledger FROM consent_now WHERE key = ?", [granted.key]).fetchone()
    is_out = said is not None and str(said[0]).startswith("WITHDRAW")
    outcome = "granted" if granted.counts and not is_out else "opted_out"
    # A submission is imported again by hand: it consented once.
    if known:
        return False
    db.execute(
        "INSERT INTO lead_consents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            *(proof.response_id, granted.key, proof.form_id, proof.form_version),
            *(proof.consent_id, proof.locale, proof.text, naive(proof.accepted_at)),
            *(str(proof.newsletter), outcome, naive(now)),
        ],
    )
    if outcome == "granted":
        db.execute(
            "INSERT INTO consent_ledger BY NAME SELECT ? AS key, 'GRANT' AS event,"
            " 'person' AS actor, true AS proof, ? AS happened_at, ? AS recorded_at, ? AS source",
            [
                granted.key,
                naive(proof.accepted_at),
                naive(now),
                f"linkedin_lead:{proof.response_id}",
            ],
        )
    return outcome == "granted"


def leave_open(warehouse: Warehouse, *, response_ids: Collection[str]) -> None:
    """Note that these could not be imported: the next import tries again."""
    with warehouse.transaction() as db:
        db.execute(
            "UPDATE lead_submissions SET state = 'open'"
            " WHERE response_id IN (SELECT unnest($ids::VARCHAR[])) AND state = 'new'",
            {"ids": list(response_ids)},
        )


def erase(
    warehouse: Warehouse, *, response_id: str, form_id: int, at: datetime, now: datetime
) -> StoredLead | None:
    """Erase a submission, also one that was never told; returns what it was, None if there is
    nothing to erase: it is erased, or was made again after `at`."""
    known = read(warehouse, response_ids=[response_id], states=tuple(_STANDING))
    before = known[0] if known else None
    if before is not None and (before.state == "erased" or before.lead.submitted_at > at):
        return None
    blank = Lead(response_id=response_id, form_id=form_id, form_version=0, submitted_at=at)
    with warehouse.transaction() as db:
        if before is None:
            _insert(db, leads=[blank], told_by="push", now=now)
        db.execute(
            "UPDATE lead_submissions SET state = 'erased', erased_at = ?, answers = NULL,"
            " consents = NULL, contact_key = '', written = NULL, crm_id = NULL, campaign_id = '',"
            " campaign_name = '', creative_id = '', event_id = '', owner_name = ''"
            " WHERE response_id = ?",
            [naive(at), response_id],
        )
        db.execute("DELETE FROM lead_errors WHERE response_id = ?", [response_id])
        db.execute(
            "DELETE FROM lead_workflow_entries WHERE response_id = ? AND state = 'waiting'",
            [response_id],
        )
    return before or StoredLead(blank, "new", "", None, {}, False)


def others_of_contact(warehouse: Warehouse, *, crm_id: int) -> int:
    """How many submissions that are not erased belong to this contact."""
    with warehouse.session() as db:
        row = db.execute(
            "SELECT count(*) FROM lead_submissions WHERE crm_id = ? AND state <> 'erased'", [crm_id]
        ).fetchone()
    return int(row[0]) if row else 0


def consented(warehouse: Warehouse, *, response_ids: Collection[str]) -> set[str]:
    """Of these submissions, those whose consent was dealt with, as a grant or against it."""
    with warehouse.session() as db:
        rows = db.execute(
            "SELECT DISTINCT c.response_id FROM lead_consents AS c JOIN lead_submissions AS s"
            " ON s.response_id = c.response_id AND s.submitted_at = c.accepted_at"
            " WHERE c.response_id IN (SELECT unnest($ids::VARCHAR[]))",
            {"ids": list(response_ids)},
        ).fetchall()
    return {row[0] for row in rows}


def opted_out(warehouse: Warehouse, *, keys: Collection[str]) -> set[str]:
    """Of these keys, those who have left at the provider or in the CRM, by the last pictures."""
    with warehouse.session() as db:
        rows = db.execute(
            "SELECT key FROM members WHERE state IN ('UNSUB', 'COMPLAINT')"
            " AND key IN (SELECT unnest($keys::VARCHAR[]))"
            " UNION SELECT a.key FROM contact_addresses AS a JOIN contacts AS c USING (crm_id)"
            " WHERE c.newsletter IN ('NO', 'CANCEL') AND a.key IN (SELECT unnest($keys::VARCHAR[]))"
            " UNION SELECT key FROM consent_now WHERE ledger LIKE 'WITHDRAW%'"
            " AND key IN (SELECT unnest($keys::VARCHAR[]))",
            {"keys": list(keys)},
        ).fetchall()
    return {row[0] for row in rows}
