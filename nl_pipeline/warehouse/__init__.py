"""The warehouse: one DuckDB file per connection, and the only place that knows SQL.

Belongs here: tables, migrations, the set-based plan, and typed functions that read and write them.
Must not be here: HTTP, decisions that are not in the rule table, Dagster.
"""
