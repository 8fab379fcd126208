"""The end of an application's chain, where only its first event shows which processor renders."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from structlog.typing import EventDict, WrappedLogger


class Tail:
    """
    *processors* as one, with *export* before the one that renders.

    That is the first whose result is no event dictionary any more. It is called a second
    time for the first event, with the ids in it; afterwards everything is called once.
    """

    def __init__(self, processors: Sequence[Any], export: Callable[..., Any]) -> None:
        self.processors = tuple(processors)
        self._export = export
        self._at: int | None = None

    def __call__(self, logger: WrappedLogger, name: str, event: EventDict) -> Any:
        """Process *event*."""
        if self._at is None:
            return self._find(logger, name, event)
        passed: Any = event
        for index, processor in enumerate(self.processors):
            if index == self._at:
                passed = self._export(logger, name, passed)
            passed = processor(logger, name, passed)
        if self._at == len(self.processors):
            passed = self._export(logger, name, passed)
        return passed

    def _find(self, logger: WrappedLogger, name: str, event: EventDict) -> Any:
        passed: Any = event
        found: int | None = None
        for index, processor in enumerate(self.processors):
            before = dict(passed) if found is None else {}
            passed = processor(logger, name, passed)
            if found is None and not isinstance(passed, MutableMapping):
                found = index
                passed = processor(logger, name, self._export(logger, name, before))
        if found is None:
            # The logger itself takes the dictionary.
            found = len(self.processors)
            passed = self._export(logger, name, passed)
        self._at = found
        return passed
