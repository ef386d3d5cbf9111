"""Properties of the decision core: the rule table in full, and whole worlds over several syncs.

Belongs here: tests that enumerate or generate their cases. Single cases stand beside the module
they are about.
"""
