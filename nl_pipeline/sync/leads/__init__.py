"""Leads of LinkedIn on their way into the CRM: found by push and pull, imported on one path.

Belongs here: the use cases of the lead import. Must not be here: LinkedIn's encoding
(``clients.linkedin``), the rules (``domain.leads``).
"""
