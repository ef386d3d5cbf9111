"""The HTTP dialects of the services: requests, signatures, paging, retries, error classes.

Belongs here: how a vendor's API is spoken, what its answers look like as typed values, and which
failures may be repeated. This is the only package that imports httpx.

Does not belong here: what to change and why (domain), storage (warehouse), use cases (sync).
Nothing in this package logs or raises text with a person's data or a secret in it.
"""
