"""A process whose disk is full: no file of it may grow any more. Prints what a citizen and an aggregator are told."""

from __future__ import annotations

import os
import resource

from gateway import settings, wiring
from gateway.engine.outcomes import Act, Submission
from gateway.messages import Dlr, MtState
from gateway.store.db import StoreUnavailable
from gateway.usecases.caller import Caller
from gateway.usecases.delivery_reports import take_dlr
from gateway.usecases.submissions import submit


def main() -> None:
    gateway = wiring.build(settings.load())
    file = gateway.settings.database_url.removeprefix("sqlite:///")
    size = max(os.path.getsize(name) for name in (file, f"{file}-wal") if os.path.exists(name))
    with gateway.database.begin():
        pass  # the files are open before they may not grow
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    args = Submission("etat-civil", {"npi": "9" * 10}, frozenset({"npi"}), (("npi", "9" * 10),), "", "fr", "number")
    caller = Caller("+2290197000000", "africastalking", "61603", "fr")
    outcomes = []
    for turn in range(1000, 1200):  # what is already allotted to the files may hold the first ones
        answer = submit(gateway.parts, Act("submit", "acte-naissance", turn, args), caller, turn.to_bytes(32))
        outcomes.append(answer.outcome)
        if answer.outcome == "unavailable":
            break
    print(outcomes[-1])
    try:
        for report in range(200):
            take_dlr(gateway.parts, Dlr("africastalking", f"AT{report}", MtState.SENT, "Sent"), gateway.now())
    except StoreUnavailable as error:
        print(f"StoreUnavailable {error.why}")


if __name__ == "__main__":
    main()
