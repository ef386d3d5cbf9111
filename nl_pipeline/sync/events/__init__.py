"""What happens between two syncs: from the webhook log to ledger, CRM and activities.

Belongs here: understanding lines of the log, opt-outs at once, looking again at whom a notice is
about, activities of events. Must not be here: receiving (``receiver``), the plan, tables.
"""
