"""The findings of one examination, for people and for programs."""

from __future__ import annotations

import dataclasses

from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from otel_flow.doctor.finding import Finding
    from otel_flow.settings.describe import Row


FORMAT = 1
"""Version of the JSON document; it changes when a field goes or changes its meaning."""


@dataclasses.dataclass(slots=True)
class Report:
    """
    What was found, in order, and the settings in effect.

    *settings* are empty where the configuration is wrong.
    """

    findings: list[Finding] = dataclasses.field(default_factory=list)
    settings: tuple[Row, ...] = ()

    def count(self, level: str) -> int:
        """Return how many findings are of *level*."""
        return sum(finding.level == level for finding in self.findings)

    @property
    def misconfigured(self) -> bool:
        """Whether the settings are wrong, so that nothing could be sent."""
        return any(finding.check == "settings.problem" for finding in self.findings)

    def document(self) -> dict[str, Any]:
        """Return the report as JSON can hold it."""
        return {
            "format": FORMAT,
            "problems": self.count("problem"),
            "warnings": self.count("warning"),
            "findings": [dataclasses.asdict(finding) for finding in self.findings],
            "settings": [dataclasses.asdict(row) for row in self.settings],
        }
