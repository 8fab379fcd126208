"""
An SDK in which private names are others: what a later version may look like.

``install(names)`` has every module of ``opentelemetry`` that is imported from then on carry
other names in their place, in its source, so that the SDK itself goes on working.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import re
import sys

from pathlib import Path


class _Loader(importlib.machinery.SourceFileLoader):
    pattern: re.Pattern[str]

    def get_data(self, path: str) -> bytes:
        data = Path(path).read_bytes()
        if not path.endswith(".py"):
            return data
        return self.pattern.sub(r"\g<0>_of_later", data.decode()).encode()

    def path_stats(self, path: str) -> dict[str, object]:
        # No byte code is written for, or read from, the file as it is.
        raise OSError(path)


class _Finder(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        if not fullname.startswith("opentelemetry."):
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


def install(*names: str) -> None:
    """Rename *names* in all modules of OpenTelemetry that are not imported yet."""
    assert "opentelemetry.sdk" not in sys.modules
    _Loader.pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, names))})\b")
    sys.meta_path.insert(0, _Finder)
