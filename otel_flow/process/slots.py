r"""
Slots: small numbers that live processes of a service hold, the lowest free one first.

A slot is an abstract Unix socket, ``\0otel-flow/<service>/<n>``. The kernel gives the
name to one process at a time and takes it back when that process ends, however it
ends. Its scope is the network namespace: containers that share one see each other,
others cannot collide, since the namespace is part of the id.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import socket
import sys
import time
import uuid

from pathlib import Path
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from typing import Self


SLOTS = 4096
"""How many processes of one service may run in one network namespace."""

_LONGEST = 80
"""Bytes of a service in the name of its sockets; the kernel allows 107 for all of it."""
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NETWORK = Path("/proc/self/ns/net")
_NAMESPACE = uuid.UUID("6f9a37ac-4f3e-5d3b-9a63-2f3d0c6d8f11")


class Slot:
    """The slot *number* of *service*, held by this process until it is released."""

    def __init__(self, service: str, number: int, held: socket.socket) -> None:
        self.number = number
        self.since = time.time_ns()
        """When it was taken, in Unix nanoseconds: what its last holder recorded is older."""
        self._service = service.encode(errors="backslashreplace").decode()
        self._socket = held
        self._pid = os.getpid()
        self._name = held.getsockname()
        self._inode = os.fstat(held.fileno()).st_ino

    @staticmethod
    def available() -> bool:
        """Return whether the system has slots: abstract sockets are Linux' alone."""
        return sys.platform.startswith("linux")

    @classmethod
    def take(cls, service: str, *, limit: int = SLOTS) -> Self | None:
        """Return the lowest free slot of *service* under *limit*; None where there is none."""
        if not cls.available():
            return None
        stem = b"\0otel-flow/" + _short(service) + b"/"
        for number in range(limit):
            held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            try:
                held.bind(stem + b"%d" % number)
            except OSError as error:
                held.close()
                if error.errno != errno.EADDRINUSE:
                    return None
            else:
                return cls(service, number, held)
        return None

    def is_ours(self) -> bool:
        """Return whether this very process still holds it; a daemon may have closed it unseen."""
        if self._pid != os.getpid() or (descriptor := self._socket.fileno()) < 0:
            return False
        try:
            same = os.fstat(descriptor).st_ino == self._inode
            return same and self._socket.getsockname() == self._name
        except OSError:
            return False

    def instance_id(self) -> str | None:
        """Return the UUID of this slot on this host; None where the host cannot be told."""
        try:
            boot = _BOOT.read_text().strip()
            network = _NETWORK.stat().st_ino
        except OSError:
            return None
        return str(uuid.uuid5(_NAMESPACE, f"{boot}/{network}/{self._service}/{self.number}"))

    def release(self) -> None:
        """Let go of it; in a forked child, of the copy, which would keep it from its owner."""
        if self._is_open():
            self._socket.close()
        else:
            # The number of a descriptor that a daemon closed may be another's by now.
            with contextlib.suppress(OSError):
                self._socket.detach()

    def _is_open(self) -> bool:
        try:
            return os.fstat(self._socket.fileno()).st_ino == self._inode
        except OSError:
            return False


def _short(service: str) -> bytes:
    """Return *service*, or a hash of it where the name of a socket cannot hold it."""
    encoded = service.encode(errors="backslashreplace")
    if len(encoded) <= _LONGEST:
        return encoded
    return hashlib.sha256(encoded).hexdigest().encode()
