"""Tests of the command line: output, files written, exit codes."""
