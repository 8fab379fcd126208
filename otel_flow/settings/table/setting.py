"""What an entry of the table is."""

from __future__ import annotations

import dataclasses

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from otel_flow.settings.kinds import Kind


@dataclasses.dataclass(frozen=True, slots=True)
class Setting:
    """
    One setting: the field it fills, the variable it is read from, and what it is.

    *field* is dotted inside a group (``span_batch.schedule_delay``). Where the
    variable is not set, *falls_back_to* names the variables that are tried next,
    in order. *attribute* is a resource attribute that gives the value otherwise.
    *keyword* names a keyword that sets several fields at once.
    """

    field: str
    variable: str | None
    kind: Kind
    doc: str
    unit: str = ""
    falls_back_to: tuple[str, ...] = ()
    attribute: str | None = None
    keyword: str | None = None

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables that may give the value, the one that wins first."""
        return (*((self.variable,) if self.variable else ()), *self.falls_back_to)
