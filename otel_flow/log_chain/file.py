"""The file beside stdout: lines of JSON, rotated by size, by several processes at once."""

from __future__ import annotations

import contextlib
import logging
import os
import threading

from pathlib import Path
from typing import TYPE_CHECKING


try:
    import fcntl
except ImportError:
    # On Windows open files cannot be renamed either: one process may write.
    fcntl = None  # type: ignore[assignment]


if TYPE_CHECKING:
    from collections.abc import Iterator


class RotatingFile:
    """
    A file that lines are appended to; at *size* bytes it is renamed, and *backups* are kept.

    Each line is one write at the end of the file, so that lines of several processes do not
    mix. Who finds the file full takes a lock, looks again, and renames; the others see by
    the next line that the file is another one. Never raises: the first error is reported.
    """

    def __init__(self, path: str, *, size: int, backups: int) -> None:
        # The program may change its folder.
        self._path = Path(path).absolute()
        self._size = size
        self._backups = backups
        self._descriptor: int | None = None
        self._reported = False
        self.renew()

    def renew(self) -> None:
        """Take a fresh lock: the old one may have been held when the process was forked."""
        self._lock = threading.RLock()

    def write(self, line: str) -> None:
        """Append *line* and an end of line."""
        data = f"{line}\n".encode("utf-8", "backslashreplace")
        try:
            with self._lock:
                os.write(self._ready(len(data)), data)
        except OSError as error:
            self._report(error)

    def _ready(self, more: int) -> int:
        """Return the descriptor of the file as it is now, with room for *more* bytes."""
        descriptor = self._descriptor
        if descriptor is None:
            descriptor = self._open()
        here = os.fstat(descriptor)
        if not self._is_current(here):
            descriptor = self._open()
            here = os.fstat(descriptor)
        if here.st_size and here.st_size + more > self._size:
            descriptor = self._rotate(more)
        return descriptor

    def _is_current(self, here: os.stat_result) -> bool:
        """Return whether the path still leads to the file that is open."""
        try:
            there = self._path.stat()
        except FileNotFoundError:
            return False
        return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)

    def _open(self) -> int:
        self.close()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._descriptor = os.open(self._path, flags, 0o640)
        return self._descriptor

    def _rotate(self, more: int) -> int:
        with self._alone():
            # Another process may have been first.
            descriptor = self._open()
            there = os.fstat(descriptor)
            if there.st_size and there.st_size + more > self._size:
                self._rename()
                descriptor = self._open()
        return descriptor

    def _rename(self) -> None:
        if not self._backups:
            self._path.unlink()
            return
        for number in range(self._backups - 1, 0, -1):
            with contextlib.suppress(FileNotFoundError):
                self._backup(number).replace(self._backup(number + 1))
        self._path.replace(self._backup(1))

    def _backup(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from renaming meanwhile."""
        with self._path.with_name(f"{self._path.name}.lock").open("a") as lock:
            # Not of the open file (``flock``): that one a process that is forked meanwhile would
            # hold as well, for as long as it lives, and wait for itself.
            if fcntl is not None:
                fcntl.lockf(lock, fcntl.LOCK_EX)
            yield

    def close(self) -> None:
        """Close the file; the next line opens it again."""
        with self._lock:
            descriptor, self._descriptor = self._descriptor, None
            if descriptor is not None:
                with contextlib.suppress(OSError):
                    os.close(descriptor)

    def _report(self, error: OSError) -> None:
        if not self._reported:
            self._reported = True
            logging.getLogger("otel_flow").warning(
                "lines are missing in %s: %s", self._path, error.strerror
            )
