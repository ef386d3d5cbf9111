"""The audience of a connection: finding it, checking it, creating what is missing.

Belongs here: audiences and merge fields. Must not be here: members.
"""

from __future__ import annotations

from nl_pipeline.clients.errors import OperatorNeeded
from nl_pipeline.clients.mailchimp import (
    Audience,
    AudienceDetails,
    MailchimpClient,
    MergeField,
)
from nl_pipeline.domain.fields import ProfileField
from nl_pipeline.settings import Connection, Mailchimp
from nl_pipeline.sync.providers.port import AudienceFound


class SetUp:
    """Audience and merge fields of one account; ``fields`` are those that are synced."""

    def __init__(self, client: MailchimpClient, *, fields: tuple[ProfileField, ...]) -> None:
        self._client = client
        self._fields = fields

    def check(self, *, name: str, audience_id: str | None) -> AudienceFound:
        """Find the audience by stored id, then by exact name; OperatorNeeded if it is gone,
        doubled,
        or lacks a mapped merge field."""
        audience = self._find(name=name, audience_id=audience_id)
        if audience is None:
            raise OperatorNeeded(
                "the audience of this connection does not exist",
                system="mailchimp",
                code="audience_missing",
                what_next="run `nl-pipeline setup` for the connection, which creates it",
            )
        missing = self._missing_fields(audience.id)
        if missing:
            raise OperatorNeeded(
                f"audience {audience.id} lacks the merge fields"
                f" {', '.join(f.provider for f in missing)}",
                system="mailchimp",
                code="merge_field_missing",
                what_next="run `nl-pipeline setup`, which creates them, or change the field"
                " mapping;"
                " Mailchimp would ignore unknown fields silently",
            )
        return AudienceFound(audience_id=audience.id, created=False, fields_created=())

    def prepare(self, connection: Connection, *, audience_id: str | None) -> AudienceFound:
        """As ``check``, creating the audience and text merge fields where they are missing."""
        audience = self._find(name=connection.audience, audience_id=audience_id)
        created = audience is None
        if audience is None:
            audience = self._create(connection)
        labels = {mapping.name: mapping.label or mapping.name for mapping in connection.fields}
        made: list[str] = []
        for profile_field in self._missing_fields(audience.id):
            self._client.create_merge_field(
                audience.id,
                tag=profile_field.provider,
                name=labels[profile_field.name],
                type="text",
            )
            made.append(profile_field.provider)
        return AudienceFound(audience_id=audience.id, created=created, fields_created=tuple(made))

    def _find(self, *, name: str, audience_id: str | None) -> Audience | None:
        audiences = self._client.audiences().audiences
        named = [a for a in audiences if a.name == name]
        if len(named) > 1:
            raise OperatorNeeded(
                f"{len(named)} audiences carry the name of this connection's audience",
                system="mailchimp",
                code="audience_doubled",
                what_next="rename the one that is not meant; nothing is written until then",
            )
        if audience_id is not None:
            for audience in audiences:
                if audience.id == audience_id:
                    return audience
            raise OperatorNeeded(
                f"audience {audience_id}, which this connection has worked with, is gone",
                system="mailchimp",
                code="audience_gone",
                what_next="its members and opt-outs are lost at Mailchimp but not in the warehouse;"
                " ask Mailchimp whether it can be restored before a new connection is made",
            )
        return named[0] if named else None

    def _create(self, connection: Connection) -> Audience:
        listing = self._client.audiences()
        if not listing.may_create:
            raise OperatorNeeded(
                f"the Mailchimp plan allows {listing.max_instances} audience(s) and all are in use",
                system="mailchimp",
                code="audience_limit",
                what_next=f"rename an existing audience to {connection.audience!r} in Mailchimp"
                " (Audience, Settings, Audience name), or take a plan with more audiences",
            )
        provider = connection.provider
        details = provider.audience_details if isinstance(provider, Mailchimp) else None
        if details is None:
            raise OperatorNeeded(
                "the audience does not exist and the settings do not say with what to create it",
                system="mailchimp",
                code="audience_details_missing",
                what_next="fill in provider.mailchimp.audience_details in connections.yaml, or"
                " create"
                f" the audience {connection.audience!r} in Mailchimp",
            )
        return self._client.create_audience(
            name=connection.audience, details=AudienceDetails(**details.model_dump())
        )

    def _missing_fields(self, audience_id: str) -> list[ProfileField]:
        present: dict[str, MergeField] = {f.tag: f for f in self._client.merge_fields(audience_id)}
        return [f for f in self._fields if f.provider not in present]
