"""Log records (opentelemetry-proto, logs.proto)."""

from __future__ import annotations

import dataclasses
import itertools
import struct

from typing import TYPE_CHECKING, Any

from opentelemetry._logs import SeverityNumber
from opentelemetry.attributes import BoundedAttributes

from otel_flow.otlp.constant import Constant
from otel_flow.otlp.known import Pairs, Texts, cleared
from otel_flow.otlp.records import LogEvent
from otel_flow.otlp.redactor import DROPPED
from otel_flow.otlp.repair import ITEM_BYTES, ROOMY, TIGHT, Room, TooLargeError
from otel_flow.otlp.salvage import salvaged_log
from otel_flow.otlp.values import encode_value
from otel_flow.otlp.wire import SIZES, message


if TYPE_CHECKING:
    from opentelemetry.sdk._logs import ReadableLogRecord, ReadWriteLogRecord

    from otel_flow.otlp.redactor import Redactor
    from otel_flow.otlp.repair import Bounds


_fixed = struct.Struct("<cQcQcI").pack
_ATTRIBUTES, _DROPPED = map(LogEvent._fields.index, ("attributes", "dropped_attributes"))
"""Places in a `LogEvent`, which cost less than names."""
_LEVELS: dict[int | None, bytes] = {0: b"", None: b""}
_LEVELS |= {number.value: b"\x10" + SIZES[number.value] for number in SeverityNumber}


class LogEncoder:
    """
    Encodes log records of the SDK and `LogEvent`s of our own log chain.

    The SDK has applied the limits of attributes to its own records; *max_attributes*
    and *max_text*, in characters, are those of `LogEvent`s (specification: attribute
    limits).
    """

    def __init__(
        self,
        redactor: Redactor | None = None,
        bounds: Bounds = ROOMY,
        *,
        max_attributes: int | None = None,
        max_text: int | None = None,
    ) -> None:
        self._redactor = redactor
        self._bounds = bounds
        self._max_attributes = max_attributes
        self._max_text = max_text
        limited = bounds
        if max_text is not None and max_text < bounds.text:
            limited = dataclasses.replace(bounds, text=max_text, marked=False)
        self._bodies = Texts(b"*", redactor, bounds, as_value=True)
        self._severities = Texts(b"\x1a", None, bounds)
        self._event_names = Texts(b"b", redactor, bounds)
        self._room = Room()
        self._ids: tuple[Any, Any, bytes] = 0, 0, b""
        """The ids that were last, and their fields; the very objects, so that it costs no comparison."""
        self._attributes = Pairs(b"2", redactor, bounds, self._room)
        self._limited_attributes = Pairs(b"2", redactor, limited, self._room)

    def encode(self, record: ReadableLogRecord | ReadWriteLogRecord | LogEvent) -> bytes:
        """Return the ``LogRecord``, repaired where need be."""
        self._room.left = ITEM_BYTES
        # What applications log is without bounds, and so is what reading it raises.
        try:
            if type(record) is LogEvent:
                encoded = self._encode(record)
            else:
                encoded = self._encode_sdk(record.log_record)  # type: ignore[union-attr]
        except TooLargeError:
            return self._smaller(record)
        except Exception:
            encoded = self._salvaged(record)
        return encoded if len(encoded) <= ITEM_BYTES else self._smaller(record)

    def _encode_sdk(self, fields: Any) -> bytes:
        attributes, dropped = fields.attributes, 0
        if type(attributes) is BoundedAttributes:
            dropped = attributes.dropped
            attributes = attributes._dict
        encoded = self._attributes.encode(attributes) if attributes else b""
        level = fields.severity_number
        # In a `LogEvent`'s order, without its name, whose making is a call of Python's.
        event = (
            None,
            fields.timestamp or 0,
            fields.observed_timestamp or 0,
            level._value_ if type(level) is SeverityNumber else level,
            fields.severity_text,
            fields.body,
            None,
            fields.trace_id,
            fields.span_id,
            fields.trace_flags or 0,
            fields.event_name,
            dropped,
        )
        return self._joined(event, encoded, dropped)

    def _salvaged(self, record: Any) -> bytes:
        self._room.left = ITEM_BYTES
        try:
            return self._encode(salvaged_log(record, self._bounds))
        except TooLargeError:
            return self._smaller(record)

    def _smaller(self, record: Any) -> bytes:
        if self._bounds is TIGHT:
            raise TooLargeError
        limits = {"max_attributes": self._max_attributes, "max_text": self._max_text}
        return LogEncoder(self._redactor, TIGHT, **limits).encode(record)

    def _encode(self, event: Any) -> bytes:
        attributes, dropped = event[_ATTRIBUTES], event[_DROPPED]
        most = self._max_attributes
        if type(attributes) is tuple:
            count = 0
            for part in attributes:
                count += len(part)
            if most is None or count <= most:
                return self._joined(event, self._parts(attributes), dropped)
            attributes = {key: value for part in attributes for key, value in part.items()}
        if most is not None and (excess := len(attributes) - most) > 0:
            # The latest stay, as in the SDK: what the chain adds, an exception say, comes last.
            attributes = dict(itertools.islice(attributes.items(), excess, None))
            dropped += excess
        return self._joined(event, self._limited_attributes.encode(attributes), dropped)

    def _parts(self, parts: tuple[dict[str, Any], ...]) -> bytes:
        found = b""
        for part in parts:
            # What records share is known, once it has been met.
            if type(part) is not Constant:
                found += self._limited_attributes.encode(part)
            elif part.encoded[0] is self:
                found += part.encoded[1]
            else:
                encoded = self._limited_attributes.encode(part)
                part.encoded = self, encoded
                found += encoded
        return found

    def _joined(self, event: tuple[Any, ...], attributes: bytes, dropped: int) -> bytes:
        _, time, observed, level, level_text, body, _, trace_id, span_id, flags, name, _ = event
        known = self._ids
        # Of one request are several in a row.
        if known[0] is not trace_id or known[1] is not span_id:
            known = self._ids = trace_id, span_id, _encoded_ids(trace_id, span_id)
        return b"".join(
            (
                _fixed(b"\t", time, b"Y", observed, b"E", flags),
                _LEVELS[level],
                self._severities.get(level_text) or self._severities[level_text or None],
                self._bodies[body] if type(body) is str else self._body(body),
                attributes,
                b"8" + SIZES[dropped] if dropped else b"",
                known[2],
                self._event_names[name] if name else b"",
            )
        )

    def _body(self, body: Any) -> bytes:
        if body is not None:
            body = cleared(self._redactor, "body", body, self._bounds, self._room)
        return b"" if body is DROPPED else message(b"*", encode_value(body))


def _encoded_ids(trace_id: int, span_id: int) -> bytes:
    trace = b"J\x10" + trace_id.to_bytes(16, "big") if trace_id else b""
    return trace + b"R\x08" + span_id.to_bytes(8, "big") if span_id else trace
