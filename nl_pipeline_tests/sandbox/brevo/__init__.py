"""Tests of the Brevo twin over HTTP, against the facts rather than against its own tables."""
