"""
Celery's broker in a folder, one process at a time.

kombu's own lets a consumer take a message, or read the table of queues, that another
process has created and not yet written: what is empty is no JSON, and the worker ends.
"""

from __future__ import annotations

import contextlib
import fcntl

from typing import TYPE_CHECKING, Any

import kombu.transport.filesystem


if TYPE_CHECKING:
    from collections.abc import Iterator


filesystem: Any = kombu.transport.filesystem
"""Without types upstream."""


class Channel(filesystem.Channel):  # type: ignore[misc]
    """kombu's, under a lock of the folder."""

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        with (self.control_folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def get_table(self, exchange: str) -> Any:
        """Return the queues of *exchange*."""
        with self._alone():
            return super().get_table(exchange)

    def _queue_bind(self, *arguments: Any) -> None:
        with self._alone():
            super()._queue_bind(*arguments)

    def _put(self, queue: str, payload: Any, **options: Any) -> None:
        with self._alone():
            super()._put(queue, payload, **options)

    def _get(self, queue: str) -> Any:
        with self._alone():
            return super()._get(queue)


class Transport(filesystem.Transport):  # type: ignore[misc]
    """kombu's, with that channel."""

    Channel = Channel
