"""`gateway run`: the whole system on one machine, watched.

Why not a process manager from the shelf: see docs/dependencies.md. The parts, in the order a start uses them:
`claim` (the data folder, the ports), `embedded_redis`, `plan` (which processes), `watch` (starts them, restarts them,
stops them), `guardian` (a small process that leaves no orphan when the watcher is killed).
"""

from gateway.supervise.claim import StartError, claim_data, claim_ports
from gateway.supervise.run import run

__all__ = ["StartError", "claim_data", "claim_ports", "run"]
