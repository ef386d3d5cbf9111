"""The example, the JSON Schema and the description of every key agree with the models."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from nl_pipeline import settings
from nl_pipeline.settings import SettingDoc
from nl_pipeline_tests.settings.documents import BREVO, connection, linkedin_of, mailchimp_of, parse

DESCRIBED = settings.describe()
OPTIONS = (
    *("audience", "fields", "tags", "activities", "brakes", "schedules", "audiences"),
    "adopt_existing",
)


def example() -> settings.Connection:
    loaded = settings.parse(settings.example_text(), file="example", folder=Path("/srv"))
    return loaded.connection("my-agency")


def test_the_example_is_valid() -> None:
    assert mailchimp_of(example()).audience_details is not None


def test_the_example_without_its_comments_is_a_connection_to_brevo() -> None:
    text = settings.example_text()
    mailchimp = text[text.index("      mailchimp:") : text.index("      # Instead of Mailchimp")]
    tags = text[text.index("    tags:") : text.index("    # Activities")]
    swapped = re.sub(r"^      # ( *\w+:)", r"      \1", text, flags=re.MULTILINE)

    exchanged = parse(swapped.replace(mailchimp, "").replace(tags, "")).connection("my-agency")

    minimal = settings.Brevo(api_key=exchanged.provider.api_key)
    assert exchanged.provider.model_copy(update={"double_opt_in": None}) == minimal
    assert exchanged.fields == connection(text=BREVO).fields


def test_the_example_shows_every_key_of_brevo() -> None:
    for key in settings.Brevo.model_fields.keys() - {"base_url"}:
        assert f"      #   {key}:" in settings.example_text()


def test_the_example_without_its_comments_imports_leads_with_every_default() -> None:
    text = settings.example_text()
    leads = text[text.index("    # leads:") : text.index("    # Saved filters")]
    swapped = text.replace(leads, leads.replace("    # ", "    ", 1).replace("\n    # ", "\n    "))

    linkedin = parse(swapped).connection("my-agency").leads.linkedin

    assert linkedin is not None
    assert linkedin.forms["8120345"].consent is not None
    shown = linkedin.model_copy(update={"forms": {}, "refresh_token": None})
    assert shown == linkedin_of()


def test_the_example_shows_every_key_of_linkedin() -> None:
    for key in settings.LinkedIn.model_fields.keys() - {"base_url", "oauth_url"}:
        assert f"    #     {key}:" in settings.example_text()


@pytest.mark.parametrize("option", OPTIONS)
def test_the_example_shows_the_defaults(option: str) -> None:
    assert getattr(example(), option) == getattr(connection(), option)


@pytest.mark.parametrize("option", OPTIONS)
def test_the_example_shows_every_option(option: str) -> None:
    assert re.search(rf"^    {option}:", settings.example_text(), re.MULTILINE)


def test_the_example_shows_the_limits_of_the_receiver_as_they_are_by_default() -> None:
    loaded = settings.parse(settings.example_text(), file="example", folder=Path("/srv"))
    text = settings.example_text()

    assert loaded.webhooks == settings.Webhooks()
    for limit in settings.ReceiverLimits.model_fields:
        assert re.search(rf"^    {limit}:", text, re.MULTILINE), limit


def test_the_sandbox_file_is_valid_on_any_port() -> None:
    text = settings.sandbox_text(port=8999)

    loaded = settings.parse(text, file="sandbox", folder=Path("/srv"))

    crm = "http://127.0.0.1:8999/onoffice/api/stable/api.php"
    assert {
        name: (chosen.crm.base_url, chosen.provider.base_url)
        for name, chosen in loaded.connections.items()
    } == {
        "demo-mailchimp": (crm, "http://127.0.0.1:8999/mailchimp/3.0"),
        "demo-brevo": (crm, "http://127.0.0.1:8999/brevo/v3"),
    }


@pytest.mark.parametrize("doc", DESCRIBED, ids=lambda doc: doc.key)
def test_every_key_is_explained_in_a_sentence(doc: SettingDoc) -> None:
    assert doc.description.endswith(".")
    assert doc.type


def test_required_keys_are_described_without_a_default() -> None:
    by_key = {doc.key: doc for doc in DESCRIBED}

    assert by_key["connections.<name>.crm.onoffice.token"].default == ""
    assert by_key["connections.<name>.brakes.removals.count"].default == "50"
    assert by_key["connections.<name>.fields[].direction"].allowed == (
        "both, to_provider, to_crm, off"
    )


def test_the_schema_describes_every_key_and_allows_no_other() -> None:
    objects = [node for node in nodes_of(settings.json_schema()) if "properties" in node]

    for node in objects:
        assert node["additionalProperties"] is False
        for name, value in node["properties"].items():
            assert "description" in value, name


def test_the_schema_lets_an_optional_activity_be_off() -> None:
    delivered = settings.json_schema()["$defs"]["Activities"]["properties"]["delivered"]

    assert {"const": "off"} in delivered["anyOf"]


def test_the_schema_asks_for_one_provider_and_no_second() -> None:
    provider = settings.json_schema()["$defs"]["ProviderEntry"]

    assert provider["oneOf"] == [{"required": ["mailchimp"]}, {"required": ["brevo"]}]
    assert provider["properties"]["brevo"] == {
        "$ref": "#/$defs/Brevo",
        "description": "Brevo.",
    }


def test_the_schema_refuses_a_literal_secret() -> None:
    token = settings.json_schema()["$defs"]["Crm"]["properties"]["token"]

    assert re.search(token["pattern"], "${ONOFFICE_TOKEN}")
    assert not re.search(token["pattern"], "0123456789abcdef")


def nodes_of(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return [node for item in value for node in nodes_of(item)]
    if isinstance(value, dict):
        return [value, *(node for item in value.values() for node in nodes_of(item))]
    return []
