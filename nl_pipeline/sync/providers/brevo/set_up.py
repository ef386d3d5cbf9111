"""The list of a connection: finding it, checking it, creating what is missing.

Belongs here: list, folder and attributes. Must not be here: contacts, which attribute a field
means (``attributes``).
"""

from __future__ import annotations

from nl_pipeline.clients.brevo import BrevoClient, ContactList
from nl_pipeline.clients.errors import OperatorNeeded
from nl_pipeline.settings import Connection
from nl_pipeline.sync.providers.brevo.attributes import (
    AttributeNames,
    missing_attributes,
    name_to_create,
)
from nl_pipeline.sync.providers.port import AudienceFound


class SetUp:
    """List and attributes of one account; a list that is made goes into the folder ``folder``."""

    def __init__(self, client: BrevoClient, *, names: AttributeNames, folder: str) -> None:
        self._client = client
        self._names = names
        self._folder = folder

    def check(self, *, name: str, audience_id: str | None) -> AudienceFound:
        """Find the list by stored id, then by exact name; OperatorNeeded if it is gone, doubled, or
        the account lacks the attribute of a mapped field."""
        found = self._find(name=name, audience_id=audience_id)
        if found is None:
            raise OperatorNeeded(
                "the list of this connection does not exist",
                system="brevo",
                code="audience_missing",
                what_next="run `nl-pipeline setup` for the connection, which creates it",
            )
        discovered, _ = self._names.look()
        if discovered.missing:
            raise missing_attributes(discovered.missing)
        return AudienceFound(audience_id=str(found.id), created=False, fields_created=())

    def prepare(self, connection: Connection, *, audience_id: str | None) -> AudienceFound:
        """As ``check``, creating list, folder and text attributes where they are missing."""
        found = self._find(name=connection.audience, audience_id=audience_id)
        discovered, present = self._names.look()
        made: list[str] = []
        for field in discovered.missing:
            attribute = name_to_create(field, present=present)
            self._client.create_attribute(attribute)
            made.append(attribute)
        if made:
            discovered, _ = self._names.look()
            if discovered.missing:
                raise missing_attributes(discovered.missing)
        created = found is None
        if found is None:
            found = self._client.create_list(connection.audience, folder_id=self._folder_id())
        return AudienceFound(audience_id=str(found.id), created=created, fields_created=tuple(made))

    def _find(self, *, name: str, audience_id: str | None) -> ContactList | None:
        lists = self._client.lists()
        named = [one for one in lists if one.name == name]
        if len(named) > 1:
            raise OperatorNeeded(
                f"{len(named)} lists carry the name of this connection's list",
                system="brevo",
                code="audience_doubled",
                what_next="rename the one that is not meant; nothing is written until then",
            )
        if audience_id is not None:
            for one in lists:
                if str(one.id) == audience_id:
                    return one
            raise OperatorNeeded(
                f"list {audience_id}, which this connection has worked with, is gone",
                system="brevo",
                code="audience_gone",
                what_next="its contacts are still in the account and the opt-outs from it in the"
                " warehouse; make a new connection, and apply its first plan only after looking"
                " at it",
            )
        return named[0] if named else None

    def _folder_id(self) -> int:
        for folder in self._client.folders():
            if folder.name == self._folder:
                return folder.id
        return self._client.create_folder(self._folder).id
