"""The list of endpoints of the twin, below ``/v3``.

Belongs here: which documented endpoint is served by which function. Does not belong here: any
behaviour.
"""

from __future__ import annotations

from nl_pipeline.sandbox.brevo import (
    account_routes,
    attributes,
    contacts,
    double_opt_in,
    exports,
    folders,
    imports,
    lists,
    memberships,
    processes,
)
from nl_pipeline.sandbox.brevo.mail_routes import MAIL_ENDPOINTS
from nl_pipeline.sandbox.brevo.router import Endpoint, Router

_CONTACT = "/contacts/{identifier}"
_ATTRIBUTE = "/contacts/attributes/{category}/{name}"
_LIST = "/contacts/lists/{list_id}"
_FOLDER = "/contacts/folders/{folder_id}"

ENDPOINTS = (
    Endpoint("GET", "/account", account_routes.read_account),
    Endpoint("GET", "/contacts", contacts.list_contacts),
    Endpoint("POST", "/contacts", contacts.create_contact),
    Endpoint("POST", "/contacts/batch", contacts.update_batch),
    Endpoint("POST", "/contacts/import", imports.import_contacts),
    Endpoint("POST", "/contacts/export", exports.export_contacts),
    Endpoint("POST", "/contacts/doubleOptinConfirmation", double_opt_in.ask),
    Endpoint("GET", _CONTACT, contacts.read_contact),
    Endpoint("PUT", _CONTACT, contacts.update_contact),
    Endpoint("DELETE", _CONTACT, contacts.delete_contact),
    Endpoint("GET", f"{_CONTACT}/campaignStats", contacts.read_statistics),
    Endpoint("GET", "/contacts/attributes", attributes.list_attributes),
    Endpoint("POST", _ATTRIBUTE, attributes.create_attribute),
    Endpoint("PUT", _ATTRIBUTE, attributes.change_attribute),
    Endpoint("DELETE", _ATTRIBUTE, attributes.delete_attribute),
    Endpoint("DELETE", f"{_ATTRIBUTE}/{{option}}", attributes.delete_option),
    Endpoint("GET", "/contacts/lists", lists.list_lists),
    Endpoint("POST", "/contacts/lists", lists.create_list),
    Endpoint("GET", _LIST, lists.read_list),
    Endpoint("PUT", _LIST, lists.change_list),
    Endpoint("DELETE", _LIST, lists.delete_list),
    Endpoint("GET", f"{_LIST}/contacts", memberships.list_members),
    Endpoint("POST", f"{_LIST}/contacts/add", memberships.add_members),
    Endpoint("POST", f"{_LIST}/contacts/remove", memberships.remove_members),
    Endpoint("GET", "/contacts/folders", folders.list_folders),
    Endpoint("POST", "/contacts/folders", folders.create_folder),
    Endpoint("GET", _FOLDER, folders.read_folder),
    Endpoint("PUT", _FOLDER, folders.change_folder),
    Endpoint("DELETE", _FOLDER, folders.delete_folder),
    Endpoint("GET", f"{_FOLDER}/lists", folders.list_lists_of_folder),
    Endpoint("GET", "/contacts/segments", lists.list_segments),
    Endpoint("GET", "/processes", processes.list_processes),
    Endpoint("GET", "/processes/{process_id}", processes.read_process),
    *MAIL_ENDPOINTS,
)


def build_router() -> Router:
    """A router over all endpoints."""
    return Router(ENDPOINTS)
