"""onOffice's error codes that the twin uses, and the error of a single action.

Belongs here: codes and our own short wording of each. Does not belong here: when a code is raised.
Source of the codes: the list in innobraingmbh/laravel-onoffice-adapter (OnOfficeError), since
onOffice's documents print none.
"""

from __future__ import annotations

MESSAGES: dict[int, str] = {
    1: "Unknown error",
    3: "Request is nested too deeply",
    5: "Control character in request",
    6: "Syntax error in request",
    7: "Request is not UTF-8",
    9: "Empty request",
    13: "Missing or invalid token",
    14: "Missing or invalid request",
    15: "Missing or invalid actions",
    16: "Missing action id",
    17: "Invalid action id",
    18: "Missing or invalid resource id",
    19: "Missing or invalid resource type",
    20: "Missing or invalid parameters",
    22: "Not authenticated",
    23: "Missing configuration for action id",
    24: "Missing configuration for resource id",
    25: "Missing configuration for resource type",
    41: "Customer unknown",
    47: "Client missing",
    69: "Search input is empty",
    74: "Expected an array",
    75: "Unknown field",
    76: "Invalid multiselect key",
    77: "Invalid singleselect key",
    78: "Record could not be created",
    79: "Missing record id",
    80: "Unknown record or missing permission",
    81: "Type of the action is missing",
    82: "Type of the action is invalid",
    83: "Unknown entry",
    84: "Invalid entry",
    85: "New value is missing",
    86: "Old value is missing",
    87: "Old value is ambiguous",
    92: "Invalid date",
    97: "Error in action",
    98: "Activity needs an address or an estate",
    99: "Address ids must be an array",
    100: "Unknown kind of action",
    101: "Unknown type of action",
    113: "Note is missing",
    131: "No right to create addresses",
    136: "Timestamp too old or server time wrong",
    137: "HMAC invalid",
    141: "Unknown field in data",
    142: "Unknown operator",
    144: "Invalid field in input data",
    151: "Search string too short",
    158: "IP address not allowed",
    160: "Invalid language",
    163: "Invalid module name",
    167: "Missing parameter",
    171: "Not a singleselect or multiselect field",
    174: "No permission to modify",
    185: "Invalid record ids",
    187: "Did not expect an array",
    212: "Unknown sort field",
    220: "Unknown origin of contact",
    222: "Invalid cost",
    223: "Invalid duration",
    224: "Invalid advisory level",
    227: "Expected a string",
    228: "Expected an integer",
    229: "Expected a float",
    232: "Operator not allowed for a multiselect field",
    236: "Expected a string in data",
    251: "Unknown user",
    255: "Invalid value",
    257: "Filter could not be validated",
    258: "Default e-mail must also be passed as an e-mail",
    259: "Default fax must also be passed as a fax",
    260: "Default phone must also be passed as a phone",
    261: "No write right for the address",
    270: "Wrong type",
    284: "Unknown filter id",
    292: "Unknown address id or missing rights",
    300: "Invalid phone or e-mail value",
    302: "At most 500 ids",
}


class ActionError(Exception):
    """One action failed; the others of the request go on (onOffice: several actions, [inferred]).

    ``detail`` names a field, operator or record id, as onOffice's messages do.
    """

    def __init__(self, code: int, detail: str = "") -> None:
        self.code = code
        self.message = message_of(code, detail=detail)
        super().__init__(self.message)


class RequestError(Exception):
    """The whole request failed before any action was looked at."""

    def __init__(self, code: int, *, status: int = 400) -> None:
        self.code = code
        self.status = status
        self.message = message_of(code)
        super().__init__(self.message)


def message_of(code: int, *, detail: str = "") -> str:
    """The message of a code, with the detail the server fills in."""
    message = MESSAGES.get(code, "Unknown error")
    return f"{message}: {detail}" if detail else message
