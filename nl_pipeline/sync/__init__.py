"""Use cases: observe, plan, push, report. The same functions serve Dagster and the command line.

Belongs here: the order of steps and the translation between services and warehouse.
Must not be here: Dagster, SQL, HTTP details, rules.
"""
