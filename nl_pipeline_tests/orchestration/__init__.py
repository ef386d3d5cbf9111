"""Tests of the Dagster layer: definitions, runs over sandboxes, what is refused and what is told."""
