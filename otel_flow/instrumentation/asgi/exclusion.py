"""Which requests have no telemetry: probes, metrics and documentation pages, and what the user names."""

from __future__ import annotations

import re

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Sequence


DEFAULT_PATTERN = (
    r"^(?:/api)?(?:/v\d+)?(?:/monitoring)?/"
    r"(?:(?:healthz?|health-?check)(?:/(?:live|liveness|ready|readiness|startup|detailed))?"
    r"|livez|liveness|readyz|readiness|startupz|live|ready|startup|ping|metrics"
    r"|docs(?:/oauth2-redirect)?|redoc|openapi\.json|favicon\.ico)/?$"
)
"""Paths that are asked for by machines and browsers, not by the users of a service."""

_REMEMBERED = 2048


class Exclusion:
    """
    The patterns of excluded URLs; called with a path, it tells whether that is excluded.

    Patterns are searched in ``scheme://host/path``, as OTEL_PYTHON_EXCLUDED_URLS
    has it in every instrumentation; the default ones are matched with the path.
    """

    __slots__ = ("_default", "_patterns", "_remembered", "by_origin")

    def __init__(self, patterns: Sequence[str], *, defaults: bool) -> None:
        self._default = re.compile(DEFAULT_PATTERN) if defaults else None
        self._patterns = [re.compile(pattern) for pattern in patterns]
        self._remembered: dict[str, bool] = {}
        self.by_origin = bool(patterns)
        """Whether the origin matters; without patterns only the path does."""

    def __call__(self, path: str, origin: str = "") -> bool:
        """Return whether requests of *path* at *origin* (``https://shop.example``) are excluded."""
        key = origin + path if self.by_origin else path
        found = self._remembered.get(key)
        if found is None:
            found = self._search(path, origin + path)
            if len(self._remembered) >= _REMEMBERED:
                self._remembered.clear()
            self._remembered[key] = found
        return found

    def _search(self, path: str, url: str) -> bool:
        if self._default is not None and self._default.match(path):
            return True
        return any(pattern.search(url) for pattern in self._patterns)
