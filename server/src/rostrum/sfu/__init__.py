"""The media of live rooms: workers, routers, transports, producers and consumers."""

from rostrum.sfu.pool import WorkerPool
from rostrum.sfu.service import SfuService
from rostrum.sfu.signals import SfuSignals

__all__ = ["SfuService", "SfuSignals", "WorkerPool"]
