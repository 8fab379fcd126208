"""What a backend's answer to a probe means, and what to do about it."""

from __future__ import annotations

import dataclasses

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from otel_flow.delivery.verdict import judge
from otel_flow.doctor.finding import ok, problem, warning
from otel_flow.otlp import parse_response
from otel_flow.otlp.wire import WireError, fields
from otel_flow.settings.masking import mask_url, printable


if TYPE_CHECKING:
    from otel_flow.delivery.transport import Answer
    from otel_flow.doctor.finding import Finding
    from otel_flow.settings import OtlpSettings


_GRPC_PORT = 4317
_EXCERPT = 160
_STATUS_MESSAGE = 2

_ADVICE = {
    400: "the backend does not understand the request: is something else listening there?",
    401: "{headers}",
    403: "{headers}",
    404: "{path}",
    405: "{path}",
    407: "give the proxy's variable user and password: http://user:password@proxy:port",
    413: "raise the limit of the request's size in what answers there, often a proxy",
    415: "unset OTEL_EXPORTER_OTLP_COMPRESSION, or have the backend take OTLP in protobuf",
    429: "the backend is busy, or limits you: services send again; look at its quota",
    500: "look at the backend's own log",
    502: "a proxy answers, and the backend behind it does not: start that",
    503: "the backend does not take data now: services send again; look at its own log",
    504: "a proxy answers, and the backend behind it is too slow",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Question:
    """What was asked: a signal, where, and which variable says so."""

    signal: str
    otlp: OtlpSettings
    variable: str

    @property
    def url(self) -> str:
        """The endpoint without secrets."""
        return mask_url(self.otlp.endpoint)


def explain(question: Question, answer: Answer, seconds: float) -> Finding:
    """Return what *answer*, which took *seconds*, says about the signal."""
    if 200 <= answer.status < 300:  # noqa: PLR2004  the class of success
        return _taken(question, answer, seconds)
    if 300 <= answer.status < 400:  # noqa: PLR2004  the class of redirects
        return _redirected(question, answer)
    advice = _ADVICE.get(answer.status, f"look at what answers at {question.url}")
    said = excerpt(answer)
    return problem(
        f"probe.{question.signal}",
        f"{question.url} answers HTTP {answer.status}{f': {said}' if said else ''}",
        advice.format(headers=_headers(question), path=_path(question)),
        subject=question.signal,
    )


def unanswered(question: Question, error: Exception) -> Finding:
    """Return what it means that no answer came."""
    what, advice = str(error), f"look at what listens at {question.url}"
    foreign = getattr(error, "kind", "") == "BadStatusLine"
    if foreign:
        what = "what comes back is no HTTP/1.1; gRPC speaks HTTP/2"
    if foreign or _goes_to_grpc(question.otlp):
        advice = (
            "if gRPC listens there (4317), take the port of HTTP (4318), or "
            'OTEL_EXPORTER_OTLP_PROTOCOL=grpc with pip install "otel-flow[grpc]"'
        )
    elif "timed out" in what or isinstance(error, TimeoutError):
        advice += ": it takes connections, and no requests; a longer time is --timeout"
    return problem(
        f"probe.{question.signal}",
        f"no answer from {question.url} ({what})",
        advice,
        subject=question.signal,
    )


def _goes_to_grpc(otlp: OtlpSettings) -> bool:
    return otlp.protocol != "grpc" and urlsplit(otlp.endpoint).port == _GRPC_PORT


def acknowledged(question: Question, body: bytes, said: str) -> Finding:
    """Return what an export response in protobuf says; *said* is how it came."""
    check, partial = f"probe.{question.signal}", parse_response(body)
    if partial.rejected:
        return problem(
            check,
            f"{question.url} takes the request, and rejects what is in it: {partial.message or 'no reason given'}",
            "correct what it complains of; services lose what is rejected",
            subject=question.signal,
        )
    if partial.message:
        return warning(
            check,
            f"{question.url} takes it, and remarks: {partial.message}",
            "follow the remark",
            subject=question.signal,
        )
    return ok(check, f"taken by {question.url} ({said})", subject=question.signal)


def _taken(question: Question, answer: Answer, seconds: float) -> Finding:
    check = f"probe.{question.signal}"
    if judge(question.signal, answer).kind != "delivered":
        return problem(
            check,
            f"{question.url} answers with an HTML page: something else listens there, such as a "
            "web interface or a page to log in",
            f"correct {question.variable}; a Collector takes OTLP/HTTP at port 4318",
            subject=question.signal,
        )
    said = f"HTTP {answer.status} in {seconds * 1000:.0f} ms"
    if answer.body and "protobuf" not in answer.content_type:
        kind = answer.content_type or "no content type"
        return warning(
            check,
            f"{question.url} answers {said}, but not in OTLP ({kind}): {excerpt(answer)}",
            "see in the backend whether the probe arrived",
            subject=question.signal,
        )
    return acknowledged(question, answer.body, said)


def _redirected(question: Question, answer: Answer) -> Finding:
    to = mask_url(answer.location) if answer.location else "nowhere"
    return problem(
        f"probe.{question.signal}",
        f"{question.url} redirects (HTTP {answer.status}) to {to}: telemetry does not follow",
        f"set {question.variable} to the final address, or let OTLP past the page to log in",
        subject=question.signal,
    )


def _headers(question: Question) -> str:
    names = ", ".join(name for name, _ in question.otlp.headers)
    given = f"the headers {names} are not accepted" if names else "no headers are set"
    return f"{given}: set OTEL_EXPORTER_OTLP_HEADERS, such as api-key=…"


def _path(question: Question) -> str:
    usual = f"/v1/{question.signal}"
    if question.otlp.endpoint.endswith(usual):
        return (
            f"the backend has no {usual}: correct the beginning of {question.variable}, or "
            f"OTEL_{question.signal.upper()}_EXPORTER=none if it takes none of them"
        )
    return f"{question.variable} is taken as it is: {usual} is missing at its end"


def excerpt(answer: Answer) -> str:
    """Return the beginning of what *answer* says in words."""
    if "html" in answer.content_type:
        return "a page for people"
    text = answer.body.decode(errors="replace")
    if "protobuf" in answer.content_type:
        text = _status_message(answer.body)
    return printable(" ".join(text.split()), _EXCERPT)


def _status_message(body: bytes) -> str:
    """Return the message of a ``google.rpc.Status``, which is how OTLP explains a failure."""
    try:
        for field in fields(body):
            if field.number == _STATUS_MESSAGE and isinstance(field.value, bytes):
                return field.value.decode(errors="replace")
    except WireError:
        pass
    return ""
