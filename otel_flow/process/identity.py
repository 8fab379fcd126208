"""
Who this process is: the ``service.instance.id``, unique now and bounded over time.

A recycled worker takes over the id of the one it replaces, so that ten thousand
recycles make no more series than there are workers. Whoever is in doubt about its
slot is a UUID, which nobody else has been.
"""

from __future__ import annotations

import os
import uuid

from typing import TYPE_CHECKING

from otel_flow.process.slots import Slot


if TYPE_CHECKING:
    from typing import Literal


class Identity:
    """
    The id of whichever process asks.

    *own* is the id that the user has set: with *mode* ``slot`` the first process of
    *service* has it as it is, further ones as ``<own>/<slot>``; with ``uuid`` the
    first process has it and every forked one a UUID; with ``fixed`` all have it.
    """

    def __init__(
        self, *, service: str, mode: Literal["slot", "uuid", "fixed"], own: str | None = None
    ) -> None:
        self._mode = mode
        self._own = own
        # Two ids that users have set count on their own: each has its first process.
        self._service = service if own is None else f"{service}/{own}"
        self._slot: Slot | None = None
        self._pid = -1
        self._first = True
        self._id = ""
        self._used = False

    def current(self) -> str:
        """Return the id of this process, taking a slot where it has none yet."""
        if self._pid != os.getpid():
            self._renew()
        return self._id

    def _renew(self) -> None:
        if self._slot is not None:
            self._slot.release()
        self._slot = None
        self._used = False
        self._id = self._make()
        self._pid = os.getpid()
        self._first = False

    def _make(self) -> str:
        if self._mode == "slot" and (slot := Slot.take(self._service)) is not None:
            self._slot = slot
            return self._of(slot)
        if self._own is not None and (self._first or self._mode == "fixed"):
            return self._own
        if self._mode == "fixed" and not self._first:
            return self._id
        return str(uuid.uuid4())

    def _of(self, slot: Slot) -> str:
        if self._own is not None:
            return f"{self._own}/{slot.number}" if slot.number else self._own
        if (known := slot.instance_id()) is not None:
            return known
        self.release()
        return str(uuid.uuid4())

    @property
    def since(self) -> int | None:
        """
        When this process took over its id, in Unix nanoseconds.

        None where nobody can have had the id before.
        """
        return None if self._slot is None else self._slot.since

    def confirm(self) -> bool:
        """
        Return whether the id still holds; if not, `current` is another one.

        To be asked before metrics leave under the id. A slot that was lost before it
        was used is replaced by another, as when a process becomes a daemon; later only
        a UUID is safe, because the values do not start from zero.
        """
        if self._pid == os.getpid() and (self._slot is None or self._slot.is_ours()):
            self._used = True
            return True
        used = self._used and self._pid == os.getpid()
        self._renew()
        if used and self._slot is not None:
            self.release()
            self._id = str(uuid.uuid4())
        self._used = True
        return False

    def release(self) -> None:
        """Give the slot back; who takes it next is a new process to every backend."""
        if self._slot is not None:
            self._slot.release()
            self._slot = None
