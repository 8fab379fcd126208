"""The policy that the settings ask for."""

from __future__ import annotations

import functools
import re

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from otel_flow.redaction.keys import KeyPolicy, Verdict
from otel_flow.redaction.known import Known
from otel_flow.redaction.marks import Marks
from otel_flow.redaction.policy import Redaction
from otel_flow.redaction.scanner import Scanner
from otel_flow.redaction.texts import TextSearch


if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from otel_flow.redaction.marks import Callback
    from otel_flow.settings import Settings


class RedactionKeywords(TypedDict, total=False):
    """What `configure` takes as its *redaction*; see ``OTEL_FLOW_REDACTION_…`` for the variables."""

    mode: Literal["mask", "drop", "hash"]
    hash_key: str
    keys: Sequence[str]
    safe_keys: Sequence[str]
    options: Sequence[Literal["email", "phone", "ip"]]
    patterns: Mapping[str, str]
    callback: Callback


def redaction_keywords(redaction: bool | RedactionKeywords | None) -> dict[str, Any]:
    """Return *redaction* as keywords of the settings; what is unknown in it is left to them."""
    if redaction is None:
        return {}
    if isinstance(redaction, bool):
        return {"redaction": "on" if redaction else "off"}
    return {f"redaction_{name}": value for name, value in redaction.items()}


def build_redaction(settings: Settings) -> Redaction:
    """Return the policy that *settings* ask for; nothing global is touched."""
    by_hash = settings.redaction_mode == "hash"
    return _build(
        enabled=settings.redaction == "on",
        drop=settings.redaction_mode == "drop",
        hash_key=settings.redaction_hash_key if by_hash else None,
        names=KeyPolicy(settings.redaction_keys, settings.redaction_safe_keys),
        options=settings.redaction_options,
        patterns=settings.redaction_patterns,
        callback=settings.redaction_callback,
    )


@functools.cache
def default_redaction() -> Redaction:
    """Return the policy of the defaults, for what is said while there are no settings yet."""
    return _build(names=KeyPolicy())


def _build(
    *,
    names: KeyPolicy,
    enabled: bool = True,
    drop: bool = False,
    hash_key: str | None = None,
    options: Sequence[str] = (),
    patterns: Mapping[str, str] = MappingProxyType({}),
    callback: Callback | None = None,
) -> Redaction:
    verdicts = Known(names if enabled else _safe)
    scanner = Scanner(
        verdicts.__getitem__,
        stem=names.stem,
        options=options,
        patterns={name: re.compile(text) for name, text in patterns.items()},
    )

    def search(callback: Callback | None) -> TextSearch:
        return TextSearch(scanner, verdicts.__getitem__, Marks(hash_key, callback), drop=drop)

    plain = search(None)
    return Redaction(
        enabled=enabled,
        drop=drop,
        verdicts=verdicts,
        texts=Known(plain.search if enabled else _nothing),
        search=plain,
        asking=None if callback is None else search(callback),
    )


def _safe(_name: str) -> Verdict:
    return Verdict.SAFE


def _nothing(_text: str) -> None:
    """Find nothing, where redaction is off."""
