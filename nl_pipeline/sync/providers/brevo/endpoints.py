"""What is called at Brevo for which action.

Belongs here: data for the published rule table. Must not be here: calling.
"""

from __future__ import annotations

from nl_pipeline.sync.providers.endpoints import SIGNUP, WHY_LEFT, Call, Calls

_CONTACT = "/contacts/{identifier}"
_IMPORT = (
    Call("POST /contacts/import", "up to 10 MB a call, the list, no opt-out is lifted"),
    Call("GET /processes/{processId}", "until it is over"),
)
_OFF_THE_LIST = Call("POST /contacts/lists/{listId}/contacts/remove", "150 a call")

CALLS = Calls(
    provider="Brevo",
    actions={
        "subscribe": _IMPORT,
        "resubscribe": _IMPORT,
        "unsubscribe": (
            Call(
                f"PUT {_CONTACT}",
                "of a Cancellation, or against the person: `emailBlacklisted: true`,"
                " `unlinkListIds`",
            ),
            _OFF_THE_LIST,
        ),
        "archive": (_OFF_THE_LIST,),
        "confirm": (
            Call("POST /contacts/doubleOptinConfirmation", "the template of the settings"),
        ),
        "update_member": (Call(f"PUT {_CONTACT}", "`attributes` alone"),),
        "change_address": (
            Call(f"GET {_CONTACT}", "before and after"),
            Call(
                f"PUT {_CONTACT}",
                "`attributes.EMAIL`; of whoever has opted out with `emailBlacklisted: true`",
            ),
        ),
    },
    never={
        "tag_member": "Brevo has no tags",
        "NONSUB": "Brevo has no such contacts",
        SIGNUP: "Brevo does not tell who put a contact on a list",
    },
    looks={
        WHY_LEFT: (
            Call(f"GET {_CONTACT}/campaignStats", "of whoever is blocklisted"),
            Call(f"GET {_CONTACT}", "where these cannot be had"),
        )
    },
)
