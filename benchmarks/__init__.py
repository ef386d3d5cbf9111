"""Benchmarks: each prints the machine, the versions and our figure beside its rival's, one run.

Belongs here: measuring. Must not be here: asserts on time; the machines are noisy.
"""
