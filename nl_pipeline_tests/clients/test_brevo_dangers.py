"""The six ways in which a call to Brevo loses an opt-out or a value, each out of reach.

Here: every request the client can make, looked at one by one, and the change of an address against
the twin. A method that is new has to be walked, or the first test fails.
"""

from __future__ import annotations

import json
import string
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nl_pipeline.clients.brevo import (
    AskToConfirm,
    Block,
    BrevoClient,
    ChangeAddress,
    Contact,
    ImportRow,
    Operation,
    Process,
    RefusalCause,
    UpdateProfile,
)
from nl_pipeline.clients.brevo.campaigns import Campaigns
from nl_pipeline.clients.brevo.operations import IDENTIFIERS, ContactChange
from nl_pipeline.clients.brevo.webhooks import Webhooks
from nl_pipeline_tests.clients.answering import Server
from nl_pipeline_tests.clients.brevo_answering import CANARY, LIST, account, client_of, contact

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NEW = "new.address@kunde-78.example"
DONE = Process(78, "IMPORTUSER", "completed", "https://storage.example/x.csv")

MAY_BE_SENT = {
    "PUT /contacts/{identifier}": {"attributes", "emailBlacklisted", "unlinkListIds"},
    "POST /contacts/import": {
        "listIds",
        "jsonBody",
        "updateExistingContacts",
        "disableNotification",
    },
    "POST /contacts/doubleOptinConfirmation": {
        "email",
        "includeListIds",
        "templateId",
        "redirectionUrl",
        "attributes",
    },
    "POST /contacts/lists/{listId}/contacts/remove": {"ids"},
    "POST /contacts/export": {
        "customContactFilter",
        "exportAttributes",
        "exportMandatoryAttributes",
        "exportDateInUTC",
        "disableNotification",
    },
    "POST /contacts/lists": {"name", "folderId"},
    "POST /contacts/folders": {"name"},
    "POST /contacts/attributes/{attributeCategory}/{attributeName}": {"type"},
    "POST /webhooks": {"url", "events", "description", "auth", "batched", "type", "channel"},
    "PUT /webhooks/{webhookId}": {"url", "events", "description", "auth", "batched"},
    "DELETE /webhooks/{webhookId}": set[str](),
    "POST /emailCampaigns/{campaignId}/exportRecipients": {"recipientsType"},
}
"""Every call that is not a GET, and what its body may name."""

OPERATIONS: dict[type, Operation] = {
    Block: Block(4711, "r1"),
    UpdateProfile: UpdateProfile(4711, "r2", {"VORNAME": "Erika", "OBJEKTE": 3}),
    ChangeAddress: ChangeAddress(4711, "r3", NEW, LIST),
    AskToConfirm: AskToConfirm(
        "r4", NEW, LIST, 3, "https://muster.example/danke", {"VORNAME": "E"}
    ),
}


def run(operation: Operation) -> Callable[[BrevoClient], Any]:
    return lambda client: client.run([operation])


WALK: dict[str, Callable[[BrevoClient], Any]] = {
    "now": lambda c: c.now(),
    "budget": lambda c: c.budget(),
    "account": lambda c: c.account(),
    "contacts": lambda c: [*c.contacts(), *c.contacts(modified_since=NOON)],
    "contact": lambda c: c.contact(4711),
    "contact_of": lambda c: c.contact_of(CANARY),
    "statistics": lambda c: c.statistics(4711, since=NOON - timedelta(days=400)),
    "attributes": lambda c: c.attributes(),
    "create_attribute": lambda c: c.create_attribute("NEU"),
    "lists": lambda c: c.lists(),
    "list_by_id": lambda c: c.list_by_id(LIST),
    "create_list": lambda c: c.create_list("onoffice", folder_id=1),
    "folders": lambda c: c.folders(),
    "create_folder": lambda c: c.create_folder("onOffice"),
    "import_contacts": lambda c: c.import_contacts(LIST, [ImportRow(NEW, {"VORNAME": "E"})]),
    "import_size": lambda c: c.import_size(LIST, [ImportRow(NEW)]),
    "import_refusals": lambda c: c.import_refusals(DONE),
    "process": lambda c: c.process(78),
    "await_processes": lambda c: c.await_processes([78, 79]),
    "settle": lambda c: (c.settle(), c.settle([78])),
    "remove_from_list": lambda c: c.remove_from_list(LIST, [4711, 4712]),
    "run": lambda c: c.run(list(OPERATIONS.values())),
    "export_contacts": lambda c: c.export_contacts(list_id=LIST, selection="unsubscribed"),
    "rows_of": lambda c: c.rows_of(DONE),
    "limits": lambda c: c.limits,
    "webhooks.all": lambda c: c.webhooks.all(),
    "webhooks.create": lambda c: c.webhooks.create(
        url="https://hooks.example/a", events=frozenset({"spam"}), token="t"
    ),
    "webhooks.change": lambda c: c.webhooks.change(
        9, url="https://hooks.example/a", events=frozenset({"spam"}), token="t"
    ),
    "webhooks.delete": lambda c: c.webhooks.delete(9),
    "campaigns.sent": lambda c: c.campaigns.sent(
        list_id=LIST, start=NOON - timedelta(days=900), end=NOON
    ),
    "campaigns.campaign": lambda c: c.campaigns.campaign(31),
    "campaigns.export_recipients": lambda c: c.campaigns.export_recipients(31, recipients="all"),
}
COLLECTIONS = {"attributes", "lists", "folders", "import", "export", "doubleOptinConfirmation"}
"""What follows `/contacts/` where no contact does."""
NOT_TO_BREVO = {"close", "calls", "webhooks.check_reached"}

LEFT = {
    "nobody": contact(),
    "blocklisted": contact(emailBlacklisted=True),
    "left our list": contact(listUnsubscribed=[LIST], listIds=[12]),
    "left another list": contact(listUnsubscribed=[12]),
    "left a group": contact(consentGroups=[{"id": 1, "status": "unsubscribed"}]),
}


def sent_by(
    call: Callable[[BrevoClient], Any], *, of: dict[str, Any] | None = None
) -> list[httpx.Request]:
    server = Server([account(of=lambda: dict(of or contact()))])
    client = client_of(server)
    call(client)
    client.close()
    return server.requests


def keys_of(value: Any) -> Iterator[tuple[str, Any]]:
    """All keys of a JSON value at any depth, with their values."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key, inner
            yield from keys_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys_of(inner)


def template_of(request: httpx.Request) -> str:
    """The call as `MAY_BE_SENT` writes it; raises KeyError for one that is not there."""
    sent = request.url.path.removeprefix("/v3").strip("/").split("/")
    for call in sorted(MAY_BE_SENT, key=lambda call: call.count("{")):
        method, _, path = call.partition(" ")
        parts = path.strip("/").split("/")
        fits = len(parts) == len(sent) and all(
            part.startswith("{") or part == value for part, value in zip(parts, sent, strict=True)
        )
        if method == request.method and fits:
            return call
    raise KeyError(f"{request.method} {request.url.path}")


def check(request: httpx.Request) -> None:
    """Nothing in a request can lose an opt-out or a value."""
    if request.method == "GET":
        assert not request.content
        return
    body = json.loads(request.content) if request.content else {}
    assert set(body) <= MAY_BE_SENT[template_of(request)]
    for key, value in keys_of(body):
        assert key not in {"forceMerge", "emptyContactsAttributes", "emailBlacklist", "getId"}
        assert key != "emailBlacklisted" or value is True
        assert key not in IDENTIFIERS - {"EMAIL"}
    if template_of(request) != "PUT /contacts/{identifier}":
        assert "EMAIL" not in dict(keys_of(body))


def test_every_method_of_the_client_is_walked() -> None:
    public = {name for name in vars(BrevoClient) if not name.startswith("_")}
    for part, of in (("webhooks", Webhooks), ("campaigns", Campaigns)):
        public |= {f"{part}.{name}" for name in vars(of) if not name.startswith("_")}

    assert public - NOT_TO_BREVO == WALK.keys()


def test_every_operation_is_walked() -> None:
    assert set(get_args(Operation)) == OPERATIONS.keys()


@pytest.mark.parametrize("of", LEFT.values(), ids=LEFT.keys())
@pytest.mark.parametrize("name", WALK)
def test_no_request_lifts_a_blocklisting_merges_deletes_or_empties(
    name: str, of: dict[str, Any]
) -> None:
    for request in sent_by(WALK[name], of=of):
        check(request)


@pytest.mark.parametrize("name", WALK)
def test_a_kind_of_identifier_is_named_wherever_one_contact_is_meant(name: str) -> None:
    for request in sent_by(WALK[name]):
        parts = request.url.path.removeprefix("/v3/").split("/")
        if parts[0] == "contacts" and len(parts) == 2 and "@" in parts[1] + "@":
            known = {
                "attributes",
                "lists",
                "folders",
                "import",
                "export",
                "doubleOptinConfirmation",
            }
            assert parts[1] in known or "identifierType" in request.url.params


NAMES = st.one_of(
    st.sampled_from(
        [
            "VORNAME",
            "GEBURTSTAG",
            "OBJEKTE",
            "KUNDE",
            "ORTE",
            "ANREDE",
            "BLACKLIST",
            "SMS",
            "sms",
            "WHATSAPP",
            "LANDLINE_NUMBER",
            "EMAIL",
            "EXT_ID",
            "emailBlacklisted",
            "forceMerge",
            "emailBlacklist",
        ]
    ),
    st.text(string.ascii_uppercase, min_size=1, max_size=4),
)
VALUES = st.one_of(
    st.text(max_size=5),
    st.booleans(),
    st.integers(-9, 9),
    st.sampled_from(["2026-02-01", "01.02.2026", "Frau"]),
    st.lists(st.sampled_from(["A", "B"]), max_size=2),
)
PROFILES = st.dictionaries(NAMES, VALUES, max_size=4)
ADDRESSES = st.sampled_from([NEW, CANARY, "plus+tag@kunde-1.example", "4711", "a/b@x.example", ""])


@settings(max_examples=80, deadline=None)
@given(profile=PROFILES, email=ADDRESSES, of=st.sampled_from(list(LEFT.values())))
def test_whatever_it_is_told_the_client_sends_nothing_dangerous(
    profile: dict[str, Any], email: str, of: dict[str, Any]
) -> None:
    def told(client: BrevoClient) -> None:
        client.run([ChangeAddress(4711, "r", email, LIST), Block(4711, "b")])
        try:
            client.run(
                [
                    UpdateProfile(4711, "r", profile),
                    AskToConfirm("r", email, LIST, 1, "https://muster.example", profile),
                ]
            )
            client.import_contacts(LIST, [ImportRow(email, profile)])
        except ValueError:
            assert {name.upper() for name in profile} & IDENTIFIERS

    for request in sent_by(told, of=of):
        check(request)


def test_a_change_of_a_contact_cannot_be_made_to_lift_a_blocklisting() -> None:
    with pytest.raises(ValueError, match="lifts"):
        ContactChange(email_blacklisted=False)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", sorted(IDENTIFIERS))
@pytest.mark.parametrize("spelling", [str.upper, str.lower])
def test_numbers_and_identifiers_are_no_values_of_a_profile(
    name: str, spelling: Callable[[str], str]
) -> None:
    with pytest.raises(ValueError, match="never written"):
        UpdateProfile(1, "r", {spelling(name): "491701234567"})
    with pytest.raises(ValueError, match="never written"):
        ImportRow("a@x.example", {spelling(name): "491701234567"})
    with pytest.raises(ValueError, match="never written"):
        AskToConfirm("r", "a@x.example", LIST, 1, "https://x.example", {spelling(name): "1"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GIBTESNICHT", "x"),
        ("vorname", "Erika"),
        ("VORNAME", 3),
        ("GEBURTSTAG", "01.02.1980"),
        ("GEBURTSTAG", "19800201"),
        ("OBJEKTE", "3"),
        ("OBJEKTE", True),
        ("KUNDE", "ja"),
        ("ORTE", ["B"]),
        ("ORTE", "A"),
        ("ANREDE", "Herr"),
        ("ANREDE", True),
    ],
    ids=str,
)
def test_a_value_brevo_would_drop_silently_is_refused_before_it_is_sent(
    name: str, value: Any
) -> None:
    server = Server([account()])
    client = client_of(server)

    outcome = client.run([UpdateProfile(4711, "r", {name: value})])[0]
    imported = client.import_contacts(LIST, [ImportRow(CANARY, {name: value})])

    assert outcome.cause is RefusalCause.ATTRIBUTES
    assert [(r.cause, r.fields) for r in imported.refused] == [(RefusalCause.ATTRIBUTES, (name,))]
    assert [r.url.path for r in server.requests] == ["/v3/contacts/attributes"]
    client.close()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VORNAME", "Erika"),
        ("GEBURTSTAG", "1980-02-01"),
        ("OBJEKTE", 3.5),
        ("KUNDE", True),
        ("ORTE", ["A"]),
        ("ANREDE", 1),
        ("ANREDE", "Frau"),
        ("GEBURTSTAG", ""),
    ],
    ids=str,
)
def test_a_value_that_fits_its_attribute_is_sent(name: str, value: Any) -> None:
    server = Server([account()])
    client = client_of(server)

    outcome = client.run([UpdateProfile(4711, "r", {name: value})])[0]

    assert outcome.error is None
    assert json.loads(server.requests[-1].content) == {"attributes": {name: value}}
    client.close()


@pytest.mark.parametrize("name", list(LEFT)[1:])
def test_any_mark_of_an_opt_out_is_one(name: str) -> None:
    shown = httpx.Response(200, json=LEFT[name]).json()
    client = client_of(Server([account(of=lambda: shown)]))

    found = client.contact(4711)

    assert found is not None
    assert found.contact.has_opted_out
    client.close()


def test_a_contact_without_a_mark_has_not_opted_out() -> None:
    client = client_of(Server([account()]))

    found = client.contact(4711)

    assert found is not None
    assert isinstance(found.contact, Contact)
    assert not found.contact.has_opted_out
    client.close()
