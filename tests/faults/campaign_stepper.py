"""As stepper.py, with two rows of a campaign in a transaction."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import stepper

from gateway.usecases import campaign_expanding, campaign_work

if __name__ == "__main__":
    campaign_work.STEP_ROWS = campaign_expanding.STEP_ROWS = 2
    stepper.main()
