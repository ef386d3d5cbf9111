"""Tests of the settings: what is accepted, what is refused, and in which words."""
