"""Twins of onOffice and Mailchimp in one process on loopback, with a control API.

Belongs here: stand-ins that behave as the vendors' documents and recorded traffic say, a
deterministic and awkward population, faults, the call log and the virtual clock. Tests, demos and
outside checks use them in place of the real services.

Does not belong here: anything of the connector itself. The sandbox imports nothing from the
clients, the sync, the warehouse, the settings or the orchestration, so that a mistake made there
is not repeated here.
"""
