"""What the benchmarks share: pinned processes, CPU time, a Socket.IO client, the table of results."""
