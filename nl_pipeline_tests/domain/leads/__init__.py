"""The rules over leads.

Here: pure tests, without LinkedIn. Not here: its encoding (``clients``).
"""
