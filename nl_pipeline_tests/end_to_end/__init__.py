"""Everything as processes of its own, as a deployment runs it."""
