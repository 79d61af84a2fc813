"""Memory of a server under test."""

from pathlib import Path


def private_bytes(pid: int) -> int:
    """What this process alone holds in memory: its proportional set, pages shared with others counted in part."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"process {pid} tells nothing of its memory")
