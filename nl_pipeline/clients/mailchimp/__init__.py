"""The Mailchimp Marketing API v3.0: audiences, members, tags, batches, webhooks, reports.

Belongs here: the API as Mailchimp speaks it, with its refusals as typed causes. Does not belong
here: whether someone may be subscribed.
"""

from nl_pipeline.clients.mailchimp.campaigns import Campaign
from nl_pipeline.clients.mailchimp.client import MailchimpClient
from nl_pipeline.clients.mailchimp.models import (
    AbuseReport,
    Account,
    AddOutcome,
    Audience,
    AudienceDetails,
    AudienceList,
    FeedItem,
    Member,
    MemberPage,
    MergeField,
    NewMember,
    OperationOutcome,
    Refusal,
    SegmentOutcome,
    Tag,
)
from nl_pipeline.clients.mailchimp.operations import (
    Operation,
    archive_member,
    patch_member,
    put_member,
    tag_member,
)
from nl_pipeline.clients.mailchimp.paging import MemberPages
from nl_pipeline.clients.mailchimp.problems import (
    MemberAbsent,
    MemberRefused,
    RefusalCause,
    StateForbids,
)
from nl_pipeline.clients.mailchimp.reports import Bounce, CampaignReport, Recipient
from nl_pipeline.clients.mailchimp.webhooks import NewWebhook, Webhook

__all__ = [
    "AbuseReport",
    "Account",
    "AddOutcome",
    "Audience",
    "AudienceDetails",
    "AudienceList",
    "Bounce",
    "Campaign",
    "CampaignReport",
    "FeedItem",
    "MailchimpClient",
    "Member",
    "MemberAbsent",
    "MemberPage",
    "MemberPages",
    "MemberRefused",
    "MergeField",
    "NewMember",
    "NewWebhook",
    "Operation",
    "OperationOutcome",
    "Recipient",
    "Refusal",
    "RefusalCause",
    "SegmentOutcome",
    "StateForbids",
    "Tag",
    "Webhook",
    "archive_member",
    "patch_member",
    "put_member",
    "tag_member",
]
