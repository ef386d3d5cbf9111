"""What the options of a connection mean at its provider, where the providers differ.

Belongs here: what one provider has and another has not. What would have no effect is refused where
somebody wrote it, and off where it is only the default. Not here: accounts (`systems`).
"""

from __future__ import annotations

from typing import Any

from nl_pipeline.settings.fields import ProviderKind, at_provider
from nl_pipeline.settings.leads import FormDefaults
from nl_pipeline.settings.options import ConnectionOptions
from nl_pipeline.settings.problems import refusal


def check_options(options: ConnectionOptions, *, kind: ProviderKind) -> None:
    """Refuse what the provider can't do."""
    at_provider(options.fields, kind=kind)
    _check_workflows(options, kind=kind)
    if kind == "brevo" and options.tags.enabled and "enabled" in options.tags.model_fields_set:
        raise refusal(
            "Brevo has no tags: whom we look after is on our list there, and nothing else is told",
            allowed="false",
            next_step="write `enabled: false`, or remove `tags`",
            at=("tags", "enabled"),
        )
    if kind == "mailchimp":
        for key in ("open", "click", "proxy_opens"):
            if getattr(options.activities, key):
                raise refusal(
                    "activities of openings and clicks are written with Brevo only",
                    next_step="remove this line",
                    at=("activities", key),
                )


def _check_workflows(options: ConnectionOptions, *, kind: ProviderKind) -> None:
    """A workflow is a step of a journey at Mailchimp, and an event at Brevo."""
    linkedin = options.leads.linkedin
    if linkedin is None:
        return
    needed = {"mailchimp": {"journey", "step"}, "brevo": {"event"}}[kind]
    places: list[tuple[tuple[str, ...], FormDefaults]] = [(("new_forms",), linkedin.new_forms)]
    places += [(("forms", number), form) for number, form in linkedin.forms.items()]
    for place, form in places:
        if form.workflow is None:
            continue
        written = {"journey", "step", "event"} & form.workflow.model_fields_set
        if written != needed:
            raise refusal(
                "this workflow is not one of the provider of this connection",
                allowed=" and ".join(sorted(needed)),
                at=("leads", "linkedin", *place, "workflow"),
            )


def options_at(options: ConnectionOptions, *, kind: ProviderKind) -> dict[str, Any]:
    """The options by name, as they hold at this provider."""
    values = {key: getattr(options, key) for key in ConnectionOptions.model_fields}
    values["fields"] = at_provider(options.fields, kind=kind)
    if kind == "brevo":
        values["tags"] = options.tags.model_copy(update={"enabled": False})
    return values
