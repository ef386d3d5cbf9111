"""Leads of LinkedIn, from the form to the CRM."""
