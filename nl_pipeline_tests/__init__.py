"""Tests of nl_pipeline, mirroring the package; what several of them share stands in conftest.py."""
