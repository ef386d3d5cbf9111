"""Tests of the Mailchimp twin over HTTP, against the facts rather than against its own tables."""
