"""What the port of an audience promises, shown by both adapters against their twins.

Belongs here: tests that talk to an adapter alone, without plan and warehouse. Must not be here:
anything of one provider.
"""
