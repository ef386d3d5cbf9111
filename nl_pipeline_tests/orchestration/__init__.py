"""Tests of the Dagster layer: definitions, runs over sandboxes, refusals, what is told."""
