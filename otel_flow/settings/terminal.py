"""Whether a stream wants colours (https://no-color.org)."""

from __future__ import annotations

import os

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO


def wants_colours(stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether *stream* is a terminal that shows colours, and nobody has asked for none."""
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
