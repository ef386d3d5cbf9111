"""What is called at Mailchimp for which action.

Belongs here: data for the published rule table. Must not be here: calling.

Changes of single members go in batches (``POST /batches``) where those are cheaper; what they carry
is the same.
"""

from __future__ import annotations

from nl_pipeline.sync.providers.endpoints import BEFORE_ARCHIVING, SIGNUP, WHY_LEFT, Call, Calls

_MEMBER = "/lists/{list_id}/members/{subscriber_hash}"
_FEED = (Call(f"GET {_MEMBER}/activity-feed"),)

CALLS = Calls(
    provider="Mailchimp",
    actions={
        "subscribe": (
            Call("POST /lists/{list_id}", "500 a call, `update_existing: false`"),
            Call("POST /lists/{list_id}/segments/{segment_id}", "the tag `onoffice`"),
        ),
        "resubscribe": (Call(f"PUT {_MEMBER}", "`status: subscribed`"),),
        "unsubscribe": (Call(f"PATCH {_MEMBER}", "`status: unsubscribed`"),),
        "archive": (Call(f"DELETE {_MEMBER}"),),
        "confirm": (Call(f"PATCH {_MEMBER}", "`status: pending`"),),
        "update_member": (Call(f"PATCH {_MEMBER}", "`merge_fields`, no status"),),
        "change_address": (Call(f"PATCH {_MEMBER}", "`email_address`, no status"),),
        "tag_member": (
            Call(f"POST {_MEMBER}/tags"),
            Call("POST /lists/{list_id}/segments/{segment_id}", "the tag `onoffice`"),
        ),
    },
    never={},
    looks={
        SIGNUP: _FEED,
        BEFORE_ARCHIVING: _FEED,
        WHY_LEFT: (Call("GET /lists/{list_id}/abuse-reports"),),
    },
)
