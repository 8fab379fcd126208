"""What the three providers do in a forked child, each in its own way, with one resource."""

from __future__ import annotations

import os

from typing import TYPE_CHECKING, Any

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

    __slots__ = ("_followers", "_instance_id", "_pid", "resource")

    def __init__(self, resource: Resource, instance_id: Callable[[], str]) -> None:
        self.resource = resource
        self._instance_id = instance_id
        self._pid = os.getpid()
        self._followers: list[Callable[[Resource], None]] = []

    def __call__(self) -> Resource:
        """Return the resource of this process."""
        pid = os.getpid()
        if pid != self._pid:
            self.resource = renew_resource(self.resource, instance_id=self._instance_id())
            self._pid = pid
        return self.resource

    def follow(self, take: Callable[[Resource], None]) -> None:
        """Call *take* with the resource whenever `refresh` changes it."""
        self._followers.append(take)

    def refresh(self) -> None:
        """Ask for the identity again: within a process it changes where its slot was lost."""
        self._pid = os.getpid()
        self.resource = renew_resource(self.resource, instance_id=self._instance_id())
        for take in self._followers:
            take(self.resource)


class RenewedAfterFork:
    """A mix-in that stands before an SDK provider and takes over its fork handling."""

    _renewal: ResourceRenewal | None = None

    def renew_with(self, renewal: ResourceRenewal) -> None:
        """Take the resource from *renewal* in every forked child."""
        self._renewal = renewal
        renewal.follow(self._take_resource)

    def _handle_fork(self) -> None:
        """
        Replace the locks and the resource; the SDK calls this in the child.

        The SDK's constructor registers whatever ``_handle_fork`` the class has.
        """
        self._renew_locks()
        if self._renewal is not None:
            self._take_resource(self._renewal())

    def _renew_locks(self) -> None:
        raise NotImplementedError

    def _take_resource(self, resource: Any) -> None:
        raise NotImplementedError
