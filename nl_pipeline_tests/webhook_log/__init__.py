"""Tests of the webhook log, on real files and on a disk in memory that fails."""
