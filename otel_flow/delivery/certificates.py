"""The files of TLS: what they are for, and whether one of them was replaced."""

from __future__ import annotations

import os

from pathlib import Path
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from otel_flow.settings import OtlpSettings


def modified(otlp: OtlpSettings) -> tuple[float, ...]:
    """Return when the files of *otlp* were modified; raises `OSError` where one is missing."""
    return tuple(os.stat(file).st_mtime for file in _files(otlp) if file)  # noqa: PTH116  a path as set


def contents(otlp: OtlpSettings) -> tuple[bytes | None, ...]:
    """Return the trusted certificates, the key and the certificate of the client."""
    return tuple(Path(file).read_bytes() if file else None for file in _files(otlp))


def _files(otlp: OtlpSettings) -> tuple[str | None, ...]:
    return otlp.certificate, otlp.client_key, otlp.client_certificate
