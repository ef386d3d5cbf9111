"""Tests of the receiver: served in this process, or killed as a process of its own."""
