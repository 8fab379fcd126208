"""The policy that the settings ask for."""

from __future__ import annotations

import re

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
    enabled, mode = settings.redaction == "on", settings.redaction_mode
    keys = KeyPolicy(settings.redaction_keys, settings.redaction_safe_keys)
    verdicts = Known(keys if enabled else _safe)
    scanner = Scanner(
        verdicts.__getitem__,
        options=settings.redaction_options,
        patterns={name: re.compile(text) for name, text in settings.redaction_patterns.items()},
    )
    hash_key = settings.redaction_hash_key if mode == "hash" else None

    def search(callback: Callback | None) -> TextSearch:
        marks = Marks(hash_key, callback)
        return TextSearch(scanner, verdicts.__getitem__, marks, drop=mode == "drop")

    plain = search(None)
    callback = settings.redaction_callback
    return Redaction(
        enabled=enabled,
        drop=mode == "drop",
        verdicts=verdicts,
        texts=Known(plain.search if enabled else _nothing),
        search=plain,
        asking=None if callback is None else search(callback),
    )


def _safe(_name: str) -> Verdict:
    return Verdict.SAFE


def _nothing(_text: str) -> None:
    """Find nothing, where redaction is off."""
