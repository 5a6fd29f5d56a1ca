"""Log lines of one submission, out of the files of all processes."""

from __future__ import annotations

from gateway.cli.log_lines import of_submission


def test_the_lines_of_one_submission_in_the_order_of_time(tmp_path):
    (tmp_path / "web.log").write_text(
        '{"at":"2026-11-24T10:00:00.001+00:00","event":"a","submission_id":7}\n'
        '{"at":"2026-11-24T10:00:00.002+00:00","event":"another one","submission_id":71}\n'
        '{"at":"2026-11-24T10:00:00.004+00:00","event":"c","submission_id":7}\n'
        '{"at":"2026-11-24T10:00:00.004+00:00","event":"cut by a full disk","submission_id":7,"co\n'
        "a library's own words\n"
    )
    (tmp_path / "worker-urgent.log").write_text(
        '{"at":"2026-11-24T10:00:00.003+00:00","event":"b","submission_id":7}\n'
    )
    (tmp_path / "web.log.1").write_text('{"at":"2026-11-23T10:00:00.000+00:00","event":"before","submission_id":7}\n')
    (tmp_path / "other.txt").write_text('{"at":"2026-11-24T10:00:00.000+00:00","submission_id":7}\n')
    found = of_submission(tmp_path, 7)
    assert [(name, line.split('"event":"')[1][:6]) for name, line in found] == [
        ("web.log.1", "before"),
        ("web.log", 'a","su'),
        ("worker-urgent.log", 'b","su'),
        ("web.log", 'c","su'),
    ]
