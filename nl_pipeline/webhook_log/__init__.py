"""The webhook log: what providers sent, as received, in JSON lines.

Belongs here: what a line is, where segments lie, writing them durably, reading them from a byte on,
and the secrets a receiver needs (path part, signing keys). Must not be here: HTTP (``receiver``),
what a line means for a person (``sync``), tables. Only the standard library, msgspec and the
settings, because the receiver loads all of it and has to stay small.
"""
