"""Files that survive a crash and a hostile folder: whole lines only, renamed when complete, never through a link.

Everything is reached through the descriptor of its folder, so that nobody can put a link in the way meanwhile.
Raises OSError for what the disk refuses.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import hmac
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gateway.backoffice.signing import key_of

#: Beside a file: its signature.
SIGNATURE = ".sig"
#: A signature is 64 hexadecimal digits a line, one line for each secret that is valid.
_SIGNATURE_BYTES = 4096
_CHUNK = 65_536
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # non-blocking: a pipe would wait for a writer


@contextmanager
def folder(path: Path | str, mode: int, parent: int | None = None) -> Iterator[int]:
    """The descriptor of a folder, made with `mode` when it is missing; a link in its place is refused."""
    try:
        os.mkdir(path, mode, dir_fd=parent)
        made = True
    except FileExistsError:
        made = False
    opened = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    try:
        if made:
            os.fchmod(opened, mode)  # by its descriptor: a link may have been put in its place since
        yield opened
    finally:
        os.close(opened)


@contextmanager
def alone(at: int, name: str, *, wait: bool) -> Iterator[bool]:
    """Whether nobody else, in any thread or process of this machine, holds the lock `name` while the block runs.

    False only when we do not `wait`. The system lets go of it when a process dies.
    """
    lock = os.open(name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=at)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(lock)


def append(at: int, name: str, line: bytes) -> None:
    """Adds a whole line (with its line break) to a file of ours, on the disk when this returns; or nothing at all."""
    file = os.open(name, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=at)
    try:
        size = _mended(file)
        try:
            _write(file, line)
            os.fsync(file)
        except OSError:
            os.ftruncate(file, size)
            raise
    finally:
        os.close(file)
    if size == 0:
        os.fsync(at)  # its name, too


def read_own(at: int, name: str) -> bytes:
    """What a file of ours holds, a line that a crash cut off taken away."""
    file = os.open(name, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
    try:
        return os.pread(file, _mended(file), 0)
    finally:
        os.close(file)


def write_whole(at: int, temporary: str, content: bytes, to: int, name: str, mode: int) -> None:
    """Puts a whole file at `name` in the folder `to`, over what is there: it has the old content or the new one."""
    _remove(at, temporary)  # left by a crash
    file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=at)
    try:
        _write(file, content)
        os.fchmod(file, mode)
        os.fsync(file)
    finally:
        os.close(file)
    os.replace(temporary, name, src_dir_fd=at, dst_dir_fd=to)
    os.fsync(to)


def read_foreign(at: int, name: str, most: int) -> tuple[bytes, os.stat_result]:
    """What a file of somebody else's holds, and what it was then.

    Raises OSError: ELOOP for a link, EINVAL for what is no plain file, EFBIG for more than `most` bytes.
    """
    file = os.open(name, _READ, dir_fd=at)
    try:
        seen = os.fstat(file)
        if not stat.S_ISREG(seen.st_mode):
            raise OSError(errno.EINVAL, "not a plain file")
        content = bytearray()  # grows in place: bytes would be copied whole for each part
        while len(content) <= most and (part := os.read(file, min(_CHUNK, most + 1 - len(content)))):
            content += part
        if len(content) > most:
            raise OSError(errno.EFBIG, "too large")
        return bytes(content), seen
    finally:
        os.close(file)


def read_signature(at: int, name: str) -> tuple[bytes, os.stat_result] | None:
    """The signature beside a file of somebody else's; None when there is none that can be read."""
    try:
        return read_foreign(at, name + SIGNATURE, _SIGNATURE_BYTES)
    except OSError:
        return None


def sign(secrets: Sequence[str], name: str, content: bytes) -> bytes:
    """The signature of a file: HMAC-SHA256 over its name, a line break and its content; a line for each secret."""
    return b"".join(_digest(secret, name, content) + b"\n" for secret in secrets)


def is_signed(secrets: Sequence[str], name: str, content: bytes, signature: bytes) -> bool:
    """Whether any word of a signature was made with any of our secrets; what openssl writes beside it is ignored."""
    offered = [word.lower() for word in signature.split()]
    fits = False
    for secret in secrets:
        right = _digest(secret, name, content)
        for one in offered:
            fits |= hmac.compare_digest(right, one)
    return fits


def remove(at: int, name: str) -> None:
    """The file is gone, whether or not it was there."""
    _remove(at, name)
    os.fsync(at)


def _remove(at: int, name: str) -> None:
    try:
        os.unlink(name, dir_fd=at)
    except FileNotFoundError:
        return


def _digest(secret: str, name: str, content: bytes) -> bytes:
    digest = hmac.new(key_of(secret), os.fsencode(name) + b"\n", hashlib.sha256)
    digest.update(content)
    return digest.hexdigest().encode()


def _write(file: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(file, left) :]


def _mended(file: int) -> int:
    """The size of a file once what follows its last line break is cut off: whoever wrote that was killed."""
    size = end = os.fstat(file).st_size
    while end > 0:
        start = max(0, end - _CHUNK)
        found = os.pread(file, end - start, start).rfind(b"\n")
        if found >= 0:
            end = start + found + 1
            break
        end = start
    if end < size:
        os.ftruncate(file, end)
        os.fsync(file)
    return end
