"""Newsletter sign-up and cancellation the way onOffice itself does them.

Belongs here: ``registerNewsletter`` and what it leaves behind: the value, the activity and the
double opt-in mail. Does not belong here: a plain write of ``newsletter_aktiv``, which does none of
this. Source: onOffice apidoc, newsletter registration.
"""

from __future__ import annotations

from nl_pipeline.sandbox.onoffice.action import Action, Outcome, done, flag_parameter
from nl_pipeline.sandbox.onoffice.errors import ActionError
from nl_pipeline.sandbox.onoffice.state import API_USER, Address, State
from nl_pipeline.sandbox.onoffice.write import store_values, writable_address

NEWSLETTER_KIND = "Newsletter"
ORDERED = "bestellt"
NOT_ORDERED = "nicht bestellt"
DOUBLE_OPT_IN_SENT = "Double-Opt-In gesendet"
"""The German key is not printed anywhere; this one is [inferred] from the English label."""


def register_newsletter(state: State, action: Action) -> Outcome:
    """The action ``do registerNewsletter``; raises 79, 80, 167, 174 and 261."""
    if "register" not in action.parameters:
        raise ActionError(167, "register")
    address = writable_address(state, action.resource_id)
    if flag_parameter(action, "register"):
        sign_up(state, address)
    else:
        cancel(state, address, user=API_USER)
    return done()


def sign_up(state: State, address: Address) -> None:
    """Yes at once, or pending with a mail to the contact where the account asks for that."""
    if state.switches.double_opt_in:
        store_values(state, address, {"newsletter_aktiv": "3"})
        state.mails.append(
            {"address_id": address.number, "kind": "double_opt_in", "at": state.wall_time()}
        )
        activity_type = DOUBLE_OPT_IN_SENT
    else:
        store_values(state, address, {"newsletter_aktiv": "1"})
        activity_type = ORDERED
    state.add_activity(address.number, kind=NEWSLETTER_KIND, type=activity_type)


def cancel(state: State, address: Address, *, user: str) -> None:
    """Cancellation, with its activity."""
    store_values(state, address, {"newsletter_aktiv": "2"})
    state.add_activity(address.number, kind=NEWSLETTER_KIND, type=NOT_ORDERED, user=user)
