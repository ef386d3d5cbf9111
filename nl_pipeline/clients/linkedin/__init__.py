"""LinkedIn's Lead Sync API: ad accounts, page roles, lead forms, leads, notifications.

Belongs here: the API as LinkedIn speaks it, tokens included. Does not belong here: what a lead
means for a contact.
"""
