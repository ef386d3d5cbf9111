"""Tests of the API clients: against the twins over loopback HTTP, and against hand-made answers.

Belongs here: what a client promises its callers. Hand-made answers stand only for shapes the twins
do not produce on demand. Not here: what a sync does with the results.
"""
