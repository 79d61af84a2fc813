"""Benchmarks of Rostrum against its peers: ratios from one run, each benchmark one command. See README.md."""
