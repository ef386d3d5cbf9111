"""Tests of the sandbox: the twins behave as the vendors' facts say, and the control API works."""
