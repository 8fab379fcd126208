"""The environment that a command started by us gets."""

from __future__ import annotations

import os

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Mapping


def inherited(
    changes: Mapping[str, str], environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return a copy of *environ* with *changes*; the environment of this process stays as it is."""
    return {**environ, **changes}
