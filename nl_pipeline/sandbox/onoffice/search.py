"""The quick search over addresses.

Belongs here: ``get search`` with the resource id ``address``. Does not belong here: filters of a
read. Source: onOffice apidoc, search.
"""

from __future__ import annotations

from nl_pipeline.sandbox.onoffice.action import (
    Action,
    Outcome,
    array_parameter,
    flag_parameter,
    page_bounds,
)
from nl_pipeline.sandbox.onoffice.errors import ActionError
from nl_pipeline.sandbox.onoffice.state import Address, State

_PARTS = ("Vorname", "Name", "Zusatz1", "Email", "KdNr")


def search_addresses(state: State, action: Action) -> Outcome:
    """Addresses in which every word of ``input`` occurs somewhere; a hit is no match.

    ``includecontactdata`` looks at all e-mails and phones too. Raises 24, 69 and 151.
    """
    if action.resource_id != "address":
        raise ActionError(24, action.resource_id)
    words = str(action.parameters.get("input") or "").split()
    if not words:
        raise ActionError(69)
    if max(len(word) for word in words) < 2:
        raise ActionError(151)
    parts = array_parameter(action, "searchparameter") or list(_PARTS)
    with_entries = flag_parameter(action, "includecontactdata")
    case = flag_parameter(action, "casesensitive")
    hits = [
        address
        for address in state.addresses.values()
        if address.number not in state.hidden
        and _contains(address, words, parts, with_entries=with_entries, case=case)
    ]
    _, limit = page_bounds(action, over_500=state.switches.listlimit_over_500)
    return Outcome(
        [
            {
                "id": address.number,
                "type": "address",
                "elements": {
                    "customerno": str(address.values["KdNr"]),
                    "firstname": address.values.get("Vorname", ""),
                    "surname": address.values.get("Name", ""),
                    "company": address.values.get("Zusatz1", ""),
                    "addressDescription": "",
                    "emailaddress": [entry.value for entry in address.of_kind("email")],
                    "primaryEmail": address.main("email"),
                },
            }
            for address in hits[:limit]
        ],
        len(hits),
        True,
    )


def _contains(
    address: Address, words: list[str], parts: list[str], *, with_entries: bool, case: bool
) -> bool:
    texts = [
        address.main("email") if part == "Email" else str(address.values.get(part, ""))
        for part in parts
    ]
    if with_entries:
        texts += [entry.value for entry in address.entries]
    text = "\n".join(texts)
    if case:
        return all(word in text for word in words)
    folded = text.casefold()
    return all(word.casefold() in folded for word in words)
