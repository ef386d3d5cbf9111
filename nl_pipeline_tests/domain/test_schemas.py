"""What crosses a boundary is checked, and a refusal tells no value."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from nl_pipeline.domain.fields import ProfileField
from nl_pipeline.domain.schemas import (
    PLAN_SCHEMA,
    TableInvalid,
    contacts_schema,
    members_schema,
    validate,
)

_FIELDS = (ProfileField("first_name", "Vorname", "FNAME"),)
_SECRET = "ada.lovelace@kunde.example"
_TIME = pd.Timestamp("2026-03-01").as_unit("us")


def _contacts(**values: Any) -> pd.DataFrame:
    row = {
        "crm_id": 1,
        "key": _SECRET,
        "email": _SECRET,
        "newsletter": "YES",
        "eligibility": "ELIGIBLE",
        "tags": ["k1"],
        "changed_at": _TIME,
        "observed_at": _TIME,
        "f_first_name": "Ada",
    }
    frame = pd.DataFrame([row | values])
    texts = ["key", "email", "newsletter", "eligibility", "f_first_name"]
    return frame.astype(dict.fromkeys([t for t in texts if t in frame], "str"))


def _plan(**values: Any) -> pd.DataFrame:
    row = {
        "seq": 1,
        "key": _SECRET,
        "side": "crm",
        "action": "set_newsletter",
        "record_id": "7",
        "rule_id": "S04",
        "code": "unsubscribed_at_provider",
    }
    frame = pd.DataFrame([row | values])
    return frame.astype({"seq": "int64", **{c: "str" for c in frame.columns if c != "seq"}})


def test_a_page_of_contacts_as_it_should_be_passes() -> None:
    frame = _contacts()

    validated = validate(frame, schema=contacts_schema(_FIELDS), name="contacts")

    pd.testing.assert_frame_equal(validated, frame)


@pytest.mark.parametrize(
    ("broken", "culprit"),
    [
        pytest.param({"newsletter": "perhaps"}, "newsletter", id="unknown state"),
        pytest.param({"newsletter": "MISSING"}, "newsletter", id="state nobody can read"),
        pytest.param({"eligibility": "maybe"}, "eligibility", id="unknown eligibility"),
        pytest.param({"key": "ada.lovelace"}, "key", id="key without @"),
        pytest.param({"crm_id": 0}, "crm_id", id="no record id"),
        pytest.param({"surprise": _SECRET}, "surprise", id="column too many"),
    ],
)
def test_a_broken_page_is_refused_by_column_without_telling_a_value(
    broken: dict[str, Any], culprit: str
) -> None:
    with pytest.raises(TableInvalid) as refusal:
        validate(_contacts(**broken), schema=contacts_schema(_FIELDS), name="contacts")

    text = str(refusal.value)
    assert culprit in text
    assert "lovelace" not in text
    assert "perhaps" not in text


def test_a_missing_column_is_refused_by_its_name() -> None:
    with pytest.raises(TableInvalid, match="f_first_name"):
        validate(
            _contacts().drop(columns="f_first_name"),
            schema=contacts_schema(_FIELDS),
            name="contacts",
        )


def test_the_cause_of_a_refusal_is_not_chained_because_it_quotes_values() -> None:
    with pytest.raises(TableInvalid) as refusal:
        validate(_contacts(newsletter="x"), schema=contacts_schema(_FIELDS), name="contacts")

    assert refusal.value.__cause__ is None
    assert refusal.value.__context__ is None


def test_every_column_a_page_of_members_lacks_is_named() -> None:
    with pytest.raises(TableInvalid, match=r"(?s)member_id.*unsubscribed_by"):
        validate(
            pd.DataFrame({"key": pd.Series([_SECRET], dtype="str")}),
            schema=members_schema(_FIELDS),
            name="members",
        )


def test_a_plan_as_it_should_be_passes() -> None:
    validate(_plan(), schema=PLAN_SCHEMA, name="plan")


@pytest.mark.parametrize(
    "broken",
    [{"rule_id": "X1"}, {"side": "both"}, {"action": "delete"}, {"code": ""}, {"record_id": ""}],
    ids=["rule", "side", "action", "no reason", "no record"],
)
def test_a_broken_plan_is_refused_without_telling_a_value(broken: dict[str, Any]) -> None:
    with pytest.raises(TableInvalid) as refusal:
        validate(_plan(**broken), schema=PLAN_SCHEMA, name="plan")

    assert "lovelace" not in str(refusal.value)


@pytest.mark.parametrize("action", ["subscribe", "create_contact", "tag_member"])
def test_a_creation_has_no_record_yet(action: str) -> None:
    validate(_plan(action=action, record_id=""), schema=PLAN_SCHEMA, name="plan")
