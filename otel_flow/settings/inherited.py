"""The environment that a command started by us gets."""

from __future__ import annotations

import os

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def inherited(
    changes: Mapping[str, str],
    environ: Mapping[str, str] = os.environ,
    *,
    without: Callable[[str], bool] = lambda _name: False,
) -> dict[str, str]:
    """
    Return a copy of *environ* with *changes*; the environment of this process stays as it is.

    Variables whose names *without* is true of are left out, unless *changes* has them.
    """
    kept = {name: value for name, value in environ.items() if not without(name)}
    return {**kept, **changes}
