"""A worker that is killed at a chosen step of a campaign, two rows a step: see stepper.py. Reads steps, one a line."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from stepper import Steps, drain

from gateway.usecases import campaign_expanding, campaign_work

ROWS = 2


def main() -> None:
    campaign_work.STEP_ROWS = campaign_expanding.STEP_ROWS = ROWS
    for line in sys.stdin:
        reads, writes = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                drain("bulk", Steps(int(line), writes))
            finally:
                os._exit(0)
        os.close(writes)
        with os.fdopen(reads, "rb") as pipe:
            name = pipe.read().decode()
        _, status = os.waitpid(child, 0)
        print(f"killed {name}" if os.WIFSIGNALED(status) else "finished", flush=True)


if __name__ == "__main__":
    main()
