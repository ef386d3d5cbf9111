"""The receiver: an ASGI app that takes what providers send and appends it to the webhook log.

Belongs here: which requests are let in, the answer each gets, limits, health and metrics. Must not
be here: what an event means, any call to another system, the warehouse. Only the settings and the
webhook log are imported, so that the process stays small and starts at once.
"""
