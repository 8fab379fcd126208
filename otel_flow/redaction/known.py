"""What was asked before: answers that are remembered within a bound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from collections.abc import Callable


ENTRIES = 4096
LONGEST = 256
"""Characters of a text that is remembered."""


class Known(dict[Any, Any]):
    """
    Answers of *ask* by text; it forgets all of them when it is full.

    What comes often comes back at once. Threads that ask at the same time may ask
    twice, which changes nothing.
    """

    __slots__ = ("_ask",)

    def __init__(self, ask: Callable[[str], Any]) -> None:
        super().__init__()
        self._ask = ask

    def __missing__(self, text: str) -> Any:
        answer = self._ask(text)
        if len(text) <= LONGEST:
            if len(self) >= ENTRIES:
                self.clear()
            self[text] = answer
        return answer
