"""Tests of the warehouse against a real DuckDB file, without any service."""
