"""The storm: a whole system under random faults while citizens dial and text, and then the tally.

    python -m tests.faults.storm [--seed N] [--seconds 120] [--citizens 4] [--database URL] [--keep FOLDER]

A random process is killed (SIGKILL) or frozen at a random moment, Redis is killed or emptied, the database is locked or
drops its connections, the aggregator and the institution fail for a while; turns, texts and reports come twice. One
seed gives one sequence of faults (their moments depend on the machine too). Afterwards everything is left to settle,
and what citizens were told, what the database holds and what the simulator received are compared:

* lost: a demand that a citizen was told was filed, or under way, and that is not stored; a stored demand that its
  institution does not have, or whose state is not the one that the institution gave it; a demand without its récépissé;
  an SMS that the database says has left and that the aggregator never received; a text that was answered 200 and not
  dealt with; work that never ends.
* doubled: a demand that its institution has twice; two demands open at once for one wish of one number; two SMS about
  one thing of one demand; two answers to one text; an SMS that the aggregator received more often than the database
  decided to send it.
* An SMS whose call was cut before its answer is `unknown`: it may have arrived, and nobody can know. It is counted
  apart. A vital one (a récépissé, a decision) is sent once more on purpose, which may make two: this too is apart.

The exit code is 1 when anything was lost or doubled. What had not ended when the time to settle was over is lost.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.storm.weather import run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.storm", description="Random faults, then a tally.")
    parser.add_argument("--seed", type=int, default=None, help="the sequence of faults (default: a new one)")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--citizens", type=int, default=4)
    parser.add_argument("--database", default="", help="URL of an empty PostgreSQL database (default: SQLite)")
    parser.add_argument("--keep", type=Path, default=None, help="a new folder for data and logs, kept afterwards")
    chosen = parser.parse_args()
    seed = chosen.seed if chosen.seed is not None else random.SystemRandom().randrange(10**6)
    with tempfile.TemporaryDirectory(prefix="storm") as made:
        folder = chosen.keep or Path(made)
        folder.mkdir(exist_ok=True)
        began = time.monotonic()
        tally = run(folder, seed, chosen.seconds, chosen.database, chosen.citizens, print)
        print(f"seed {seed}, {time.monotonic() - began:.0f} s in all")
        print(tally)
    return 0 if tally.good else 1


if __name__ == "__main__":
    sys.exit(main())
