"""Newsletter providers: one port, one adapter each.

Belongs here: what differs between providers, in the words of the warehouse. Must not be here:
rules.
"""
