"""The twin of onOffice's enterprise API.

Belongs here: an account that answers as onOffice's documents and its clients' fixtures say; where
those are silent or disagree there is a switch, and what is only inferred is marked so. Does not
belong here: the connector's view of onOffice, and anything of another service.
"""

from __future__ import annotations

from nl_pipeline.sandbox.onoffice.twin import OnOfficeTwin

__all__ = ["OnOfficeTwin"]
