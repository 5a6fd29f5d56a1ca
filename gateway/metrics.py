"""What is counted in this process. No label ever holds a number, a session id or a citizen's word."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

#: Buckets up to the aggregator's own deadline of 10 s.
TURN_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

ussd_turns = Counter("ussd_turns", "Turns answered", ["channel", "outcome"])
ussd_turn_seconds = Histogram(
    "ussd_turn_duration_seconds",
    "Time from the callback's arrival to its answer",
    ["channel"],
    buckets=TURN_BUCKETS,
)
ussd_ends = Counter("ussd_ends", "Dialogues ended, as the aggregator tells", ["channel", "status"])
callbacks_refused = Counter("callbacks_refused", "Callbacks refused", ["channel", "route", "code"])
callback_surges = Counter("callback_surges", "Minutes in which a token was used far more than usual", ["channel"])
callback_probes = Counter("callback_probes", "Minutes with many wrong tokens or addresses", ["channel"])
delivery_reports = Counter("delivery_reports", "Delivery reports taken", ["channel", "outcome"])
backoffice_events = Counter("backoffice_events", "Events from institutions", ["system", "outcome"])
sms_received = Counter("sms_received", "SMS from citizens, as they were delivered", ["channel", "outcome"])
sms_sent = Counter("sms_messages", "SMS calls settled, one per recipient", ["channel", "outcome"])
submissions_handed_over = Counter("submissions_handed_over", "Submissions offered to a system", ["system", "outcome"])
sms_withheld = Counter("sms_withheld", "SMS that a ceiling stopped before they were written", ["scope"])
