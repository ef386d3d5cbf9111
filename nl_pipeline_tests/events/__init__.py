"""Tests of events by themselves: the words of a provider, and storing each event once."""
