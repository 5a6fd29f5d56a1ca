"""`make bench`: every measured claim, as one JSON object on standard output."""

from __future__ import annotations

import json
import platform
import sys

from bench import api, audit, campaigns, paging, sms, turns


def main() -> None:
    found = {
        "python": platform.python_version(),
        "paging": paging.measure(),
        **campaigns.measure(),
        **api.measure(),
        **sms.measure(),
        **audit.measure(),
        **turns.measure(),
    }
    json.dump(found, sys.stdout, indent=1)
    print()


main()
