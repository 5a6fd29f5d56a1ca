"""Each refusal to start is one sentence that names the way out."""

import os
import re
import socket
import time

import pytest

from gateway.supervise import StartError, claim_data, claim_ports


def test_data_folder_is_made_for_this_user_only(tmp_path):
    data = tmp_path / "new" / "data"
    os.close(claim_data(data, time.monotonic))
    assert data.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "folder",
    ["file/data", "/proc/passerelle"],
    ids=["below something that is no folder", "where even root may not write"],
)
def test_unwritable_data_folder(tmp_path, folder):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StartError, match=r"(file/data|/proc/passerelle): cannot be written .*GATEWAY_DATA$"):
        claim_data(tmp_path / folder, time.monotonic)


def test_second_start_on_the_same_data(tmp_path):
    lock = claim_data(tmp_path, time.monotonic)
    with pytest.raises(StartError, match=rf"another Passerelle runs on this data \(process {os.getpid()}\)"):
        claim_data(tmp_path, time.monotonic)
    os.close(lock)
    os.close(claim_data(tmp_path, time.monotonic))


def test_the_lock_lives_in_an_inheriting_process_and_a_start_waits_for_it(tmp_path):
    """As after a SIGKILL: the holder noted is dead, its guardian still holds the lock for a moment."""
    go, gone = os.pipe()
    if (holder := os.fork()) == 0:
        claim_data(tmp_path, time.monotonic)
        if os.fork() == 0:  # the guardian: holds the inherited lock until told
            os.close(gone)
            os.read(go, 1)
            os._exit(0)
        os._exit(0)
    os.waitpid(holder, 0)
    with pytest.raises(StartError, match="another Passerelle"):
        claim_data(tmp_path, time.monotonic, patience_s=0.3)
    os.close(gone)
    os.close(claim_data(tmp_path, time.monotonic, patience_s=10))
    os.close(go)


def test_ports_in_use_are_all_named():
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as one, socket.create_server(("127.0.0.1", 0)) as two:
        binds = {"GATEWAY_BIND": one.getsockname(), "GATEWAY_SIMULATOR_BIND": two.getsockname()}
        with pytest.raises(StartError) as refused:
            claim_ports({name: f"{host}:{port}" for name, (host, port) in binds.items()})
    lines = str(refused.value).splitlines()
    assert len(lines) == 2
    for line, variable in zip(lines, binds, strict=True):
        assert re.fullmatch(
            rf"127\.0\.0\.1:\d+ is in use by another program; stop it, or choose another with {variable}", line
        )


def test_a_free_port_is_left_free():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    claim_ports({"GATEWAY_BIND": f"127.0.0.1:{port}"})
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_an_address_of_another_machine():
    with pytest.raises(StartError, match=r"192\.0\.2\.1:8000 cannot be listened on .*GATEWAY_BIND"):
        claim_ports({"GATEWAY_BIND": "192.0.2.1:8000"})
