"""
A Collector's configuration as one document: files merged, variables filled in.

The rules are the Collector's own: later files win, maps merge, lists replace
(https://opentelemetry.io/docs/collector/configuration/), and ``${env:NAME:-default}``
takes the variable (https://opentelemetry.io/docs/specs/otel/configuration/data-model/).
"""

from __future__ import annotations

import re

from typing import TYPE_CHECKING, Any

from otel_flow.errors import MissingDependencyError
from otel_flow.redaction.keys import looks_secret
from otel_flow.settings.masking import MASK, mask_url


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path
    from types import ModuleType

    Document = dict[str, Any]


_VARIABLE = re.compile(r"\$\$|\$\{(?:env:)?([A-Za-z_]\w*)(?::-([^}]*))?\}")
_URL = re.compile(r"[A-Za-z][\w+.-]*://")


def yaml() -> ModuleType:
    """Return PyYAML; raises `MissingDependencyError` without it."""
    try:
        import yaml as module  # noqa: PLC0415 - an extra, asked for where it is needed
    except ImportError as error:
        raise MissingDependencyError("otel-flow collector", "otel-flow[collector]") from error
    return module


def load(path: Path) -> Document:
    """Return the document in *path*; raises `ValueError` if it is no YAML map, `OSError` if unreadable."""
    module = yaml()
    try:
        document = module.safe_load(path.read_text())
    except module.YAMLError as error:
        raise ValueError(f"{path}: {error}") from error
    if not isinstance(document, dict):
        raise ValueError(f"{path}: a map of sections was expected")  # noqa: TRY004 - the file is wrong
    return document


def effective(
    documents: Iterable[Document], environ: Mapping[str, str]
) -> tuple[Document, list[str]]:
    """Return the merged document with variables from *environ*, and the names that have no value."""
    merged: Document = {}
    for document in documents:
        merged = _merge(merged, document)
    missing: list[str] = []

    def fill(match: re.Match[str]) -> str:
        name, default = match.groups()
        if name is None:
            return "$"
        value = environ.get(name) or default
        if value is None:
            missing.append(name)
        return value or ""

    expanded: Document = _each_scalar(merged, lambda _key, text: _expand(text, fill))
    return expanded, sorted(set(missing))


def masked(document: Document) -> Document:
    """Return *document* with what may be a secret masked: by its key, as a header, in a URL."""
    shown: Document = _each_scalar(document, _mask)
    return shown


def _merge(below: Any, above: Any) -> Any:
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    return below | {key: _merge(below.get(key), value) for key, value in above.items()}


def _each_scalar(value: Any, change: Callable[[str, str], Any], key: str = "") -> Any:
    """Return *value* with *change* applied to each text and the dotted path of its key."""
    if isinstance(value, dict):
        return {name: _each_scalar(inner, change, f"{key}.{name}") for name, inner in value.items()}
    if isinstance(value, list):
        return [_each_scalar(inner, change, key) for inner in value]
    return change(key, value) if isinstance(value, str) else value


def _expand(text: str, fill: Callable[[re.Match[str]], str]) -> Any:
    """Fill in variables; a text that is nothing but a variable takes the type of its value."""
    alone = _VARIABLE.fullmatch(text)
    if alone is not None and alone[1]:
        return yaml().safe_load(fill(alone))
    return _VARIABLE.sub(fill, text)


def _mask(key: str, text: str) -> str:
    *outer, last = key.split(".")
    if looks_secret(last) or "headers" in outer:
        return MASK
    return mask_url(text) if _URL.match(text) else text
