"""What the three providers do in a forked child, each in its own way, with one resource."""

from __future__ import annotations

import os
import weakref

from typing import TYPE_CHECKING, Any

from otel_flow.process.fork import on_fork
from otel_flow.process.locks import renew_locks
from otel_flow.resource import renew_resource


if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk.resources import Resource


class ResourceRenewal:
    """
    The resource of the process that asks: after a fork, the same with another identity.

    All three providers ask the same renewal, so that a child has one resource
    too. The SDK would run its detectors anew in each provider and overwrite an
    instance id that the user has set.
    """

    __slots__ = ("__weakref__", "_followers", "_instance_id", "_pid", "resource")

    def __init__(self, resource: Resource, instance_id: Callable[[], str]) -> None:
        self.resource = resource
        self._instance_id = instance_id
        self._pid = os.getpid()
        self._followers: list[Callable[[Resource], None]] = []
        _until_collected(self, self.refresh)

    def __call__(self) -> Resource:
        """Return the resource of this process."""
        if os.getpid() != self._pid:
            # Forked by C, where no hook ran.
            self.refresh()
        return self.resource

    def follow(self, take: Callable[[Resource], None]) -> None:
        """Call *take* with the resource whenever it has changed."""
        self._followers.append(take)

    def refresh(self) -> None:
        """Ask for the identity again: within a process it changes where its slot was lost."""
        self._pid = os.getpid()
        self.resource = renew_resource(self.resource, instance_id=self._instance_id())
        for take in self._followers:
            take(self.resource)


class RenewedAfterFork:
    """A mix-in that stands before an SDK provider and takes over its fork handling."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        _until_collected(self, self._after_fork)

    def renew_with(self, renewal: ResourceRenewal) -> None:
        """Take the resource from *renewal* whenever it changes, as in every forked child."""
        renewal.follow(self._take_resource)

    def _handle_fork(self) -> None:
        """Do nothing where the SDK would: our own hook comes before any that starts a thread."""

    def _after_fork(self) -> None:
        renew_locks(self)
        self._renew_parts()

    def _renew_parts(self) -> None:
        raise NotImplementedError

    def _take_resource(self, resource: Any) -> None:
        raise NotImplementedError


def hooks_elsewhere(provider: type) -> bool:
    """Return whether the SDK's *provider* would handle forks by a method that we do not replace."""
    constructor: Any = provider.__init__  # type: ignore[misc]
    return "register_at_fork" in constructor.__code__.co_names and not hasattr(
        provider, "_handle_fork"
    )


def _until_collected(owner: object, method: Callable[[], None]) -> None:
    """Call *method* of *owner* in forked children as long as there is the owner."""
    weak = weakref.WeakMethod(method)

    def child() -> None:
        if (alive := weak()) is not None:
            alive()

    weakref.finalize(owner, on_fork(child=child)).atexit = False
