"""
The errors of otel-flow.

::

    OtelFlowError
    ├── ConfigError                a list of problems, all found at once
    ├── AlreadyConfiguredError     configure() again, with other settings
    ├── NotConfiguredError         something that needs running telemetry, before configure()
    ├── NothingToScrapeError       Prometheus pull without cumulative metrics
    └── MissingDependencyError     also an ImportError; names the pip command
"""

from __future__ import annotations

import dataclasses

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Iterable


class OtelFlowError(Exception):
    """The root of every error that otel-flow raises."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One wrong setting: its name, its value with secrets masked, and what was expected."""

    name: str
    value: str
    expected: str

    def __str__(self) -> str:
        return f"{self.name}={self.value}: expected {self.expected}"


class ConfigError(OtelFlowError):
    """The configuration is wrong; *problems* lists everything that is, not only the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        lines = "\n".join(f"  - {problem}" for problem in self.problems)
        count = len(self.problems)
        super().__init__(f"{count} configuration problem{'s' * (count != 1)}:\n{lines}")


class AlreadyConfiguredError(OtelFlowError):
    """Telemetry already runs with other settings; *differing* names what differs."""

    def __init__(self, differing: Iterable[str]) -> None:
        self.differing = tuple(differing)
        names = ", ".join(self.differing)
        super().__init__(
            f"telemetry is already configured with other values of: {names}. "
            "Call shutdown() on the running handle first, or configure() once."
        )


class NotConfiguredError(OtelFlowError):
    """Telemetry does not run yet."""

    def __init__(self) -> None:
        super().__init__("call otel_flow.configure() first")


class NothingToScrapeError(OtelFlowError):
    """No reader collects cumulative metrics."""

    def __init__(self) -> None:
        super().__init__(
            "no cumulative metrics are collected; set OTEL_METRICS_EXPORTER=prometheus, "
            "or otlp,prometheus to send them too"
        )


class MissingDependencyError(OtelFlowError, ImportError):
    """A feature needs a package that is not installed; the message is the command that installs it."""

    def __init__(self, feature: str, requirement: str) -> None:
        self.feature = feature
        self.requirement = requirement
        super().__init__(f'{feature} needs a package that is missing: pip install "{requirement}"')
