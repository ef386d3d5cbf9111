"""Tests of the LinkedIn twin."""
