"""What the answer of a backend means for the data that was sent (specification: OTLP/HTTP)."""

from __future__ import annotations

import dataclasses
import email.utils
import math
import random
import time

from typing import TYPE_CHECKING, Literal

from otel_flow.otlp import parse_response


if TYPE_CHECKING:
    from otel_flow.delivery.transport import Answer


Kind = Literal["delivered", "retry", "split", "rejected"]

_RETRYABLE = frozenset({429, 502, 503, 504})
_TOO_LARGE = 413
_MAY_BE_ONE_POINT = frozenset({400, 500})
_jitter = random.Random()  # noqa: S311  no secret
"""Of its own: whoever seeds Python's expects the numbers that follow."""
_FIRST_DELAY = 0.25
_LONGEST_DELAY = 5.0
LONGEST_RETRY_AFTER = 60.0
"""Seconds; what asks for more patience is asked again all the same."""


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """
    What to do with the request.

    *rejected* items of a delivered one were refused by name; a *doubtful* one was
    sent whole, and nobody knows whether it arrived; for one that is *unreached* there
    was nobody to connect to.
    """

    kind: Kind
    reason: str = ""
    rejected: int = 0
    retry_after: float | None = None
    doubtful: bool = False
    unreached: bool = False


def judge(signal: str, answer: Answer) -> Verdict:
    """Return what *answer* means; everything but a 2xx in OTLP is a failure, 3xx included."""
    status = answer.status
    if 200 <= status < 300:  # noqa: PLR2004  the class of success
        return _success(answer)
    reason = f"HTTP {status}"
    if status in _RETRYABLE:
        return Verdict("retry", reason, retry_after=parse_retry_after(answer.retry_after))
    if status == _TOO_LARGE or (signal == "metrics" and status in _MAY_BE_ONE_POINT):
        return Verdict("split", reason)
    return Verdict("rejected", reason)


def _success(answer: Answer) -> Verdict:
    if answer.content_type.startswith("text/html"):
        return Verdict("rejected", "an HTML page instead of an OTLP answer")
    if not answer.body or "protobuf" not in answer.content_type:
        return Verdict("delivered")
    partial = parse_response(answer.body)
    return Verdict("delivered", partial.message, rejected=partial.rejected)


def parse_retry_after(value: str | None) -> float | None:
    """Return the seconds that a ``Retry-After`` header asks for, a number or an HTTP date."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    if math.isnan(seconds):
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


def backoff(failures: int) -> float:
    """Return the jittered seconds to wait after *failures* in a row."""
    longest = min(_LONGEST_DELAY, _FIRST_DELAY * 2.0 ** min(failures - 1, 10))
    return _jitter.uniform(longest / 2, longest)
