"""Pure rules: what must happen to whom, and why.

Belongs here: words (states, actions), the rule table, brakes, address keys, the schemas of the
tables that cross a boundary. Must not be here: I/O, clocks, SQL, HTTP, Dagster.
"""
