"""Spans (opentelemetry-proto, trace.proto)."""

from __future__ import annotations

import struct

from typing import TYPE_CHECKING, Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.util import BoundedList
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.span import DEFAULT_TRACE_STATE

from otel_flow.otlp.constant import Constant
from otel_flow.otlp.known import Pairs, Texts
from otel_flow.otlp.repair import ITEM_BYTES, ROOMY, TIGHT, Room, TooLargeError
from otel_flow.otlp.salvage import UNKNOWN_KIND, salvaged_span
from otel_flow.otlp.wire import SIZES, message


if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from otel_flow.otlp.redactor import Redactor
    from otel_flow.otlp.repair import Bounds


_times = struct.Struct("<cQcQ").pack
_time = struct.Struct("<cQ").pack
_KINDS = {kind.value: b"0" + SIZES[kind.value + 1] for kind in SpanKind} | {UNKNOWN_KIND: b""}
_CODES = {code.value: b"\x18" + SIZES[code.value] for code in StatusCode if code.value}
_UNSET = StatusCode.UNSET
_NO_STATUS = message(b"z", b"")
_NONE = ()
"""The events and links of a span that has none: the one empty tuple that there is."""

# Bit 8 says that it is known whether the parent is remote, bit 9 that it is.
_LOCAL, _REMOTE = (struct.pack("<HI", 0x0185, flags) for flags in (0x100, 0x300))
_LINK_LOCAL, _LINK_REMOTE = (struct.pack("<cI", b"5", flags) for flags in (0x100, 0x300))


class SpanEncoder:
    """
    Encodes spans of the SDK, or whatever has the public properties of its ``ReadableSpan``.

    The private fields are read where they are there, because each public property is
    a call and ``attributes`` a copy.
    """

    def __init__(self, redactor: Redactor | None = None, bounds: Bounds = ROOMY) -> None:
        self._redactor = redactor
        self._bounds = bounds
        self._room = room = Room()
        self._names = Texts(b"*", redactor, bounds)
        self._event_names = Texts(b"\x12", redactor, bounds)
        self._messages = Texts(b"\x12", redactor, bounds)
        self._attributes = Pairs(b"J", redactor, bounds, room)
        self._event_attributes = Pairs(b"\x1a", redactor, bounds, room)
        self._link_attributes = Pairs(b'"', redactor, bounds, room)

    def encode(self, span: ReadableSpan) -> bytes:
        """Return the ``Span``, repaired where need be; raises `Unencodable` for what is none."""
        self._room.left = ITEM_BYTES
        # What applications set is without bounds, and so is what reading it raises.
        try:
            encoded = self._encode(span)
        except TooLargeError:
            return self._smaller(span)
        except Exception:
            encoded = self._salvaged(span)
        return encoded if len(encoded) <= ITEM_BYTES else self._smaller(span)

    def _salvaged(self, span: ReadableSpan) -> bytes:
        self._room.left = ITEM_BYTES
        try:
            return self._encode(salvaged_span(span, self._bounds))
        except TooLargeError:
            return self._smaller(span)

    def _smaller(self, span: ReadableSpan) -> bytes:
        if self._bounds is TIGHT:
            raise TooLargeError
        return SpanEncoder(self._redactor, TIGHT).encode(span)

    def _encode(self, span: Any) -> bytes:
        context, attributes = span._context, span._attributes
        if type(attributes) is tuple:
            described, dropped = self._described(span, attributes), span._dropped
        else:
            if type(attributes) is BoundedAttributes:
                dropped = attributes.dropped
                attributes = attributes._dict
            else:
                dropped = span.dropped_attributes
            described = self._names[span._name] + _KINDS[span._kind._value_]
            if attributes:
                described += self._attributes.encode(attributes)
        if (parent := span._parent) is None:
            flags, parent_id = _LOCAL, b""
        else:
            flags = _REMOTE if parent[2] else _LOCAL
            parent_id = b'"\x08' + parent[1].to_bytes(8, "big")
        if (
            span._events is _NONE
            and span._links is _NONE
            and span._status._status_code is _UNSET
            and context[4] is DEFAULT_TRACE_STATE
            and not dropped
        ):
            rest = _NO_STATUS
        else:
            rest = self._rest(span, context[4], dropped)
        return b"".join(
            (
                b"\n\x10",
                context[0].to_bytes(16, "big"),
                b"\x12\x08",
                context[1].to_bytes(8, "big"),
                parent_id,
                described,
                _times(b"9", span._start_time, b"A", span._end_time),
                rest,
                flags,
            )
        )

    def _described(self, span: Any, parts: tuple[Any, ...]) -> bytes:
        """Return name, kind and attributes of a lean *span*, which has these in *parts*."""
        name, kind, last = span._name, span._kind, parts[-1]
        if type(last) is Constant:
            # It comes with the same name each time.
            by, known_name, known_kind, found = last.named
            if by is not self or known_name != name or known_kind is not kind:
                found = self._names[name] + _KINDS[kind._value_] + self._constant(last)
                last.named = self, name, kind, found
        else:
            found = self._names[name] + _KINDS[kind._value_] + self._attributes.encode(last)
        if len(parts) > 1:
            for part in parts[:-1]:
                if type(part) is not Constant:
                    found += self._attributes.encode(part)
                elif part.encoded[0] is self:
                    found += part.encoded[1]
                else:
                    found += self._constant(part)
        return found

    def _constant(self, part: Constant) -> bytes:
        """Return what spans share: known, once it has been met."""
        by, encoded = part.encoded
        if by is not self:
            encoded = self._attributes.encode(part)
            part.encoded = self, encoded
        return encoded

    def _rest(self, span: Any, state: Any, dropped: int) -> bytes:
        """Return what few spans have: a state, dropped attributes, events, links, a status."""
        status = span._status
        return b"".join(
            (
                _state(state) if state else b"",
                b"P" + SIZES[dropped] if dropped else b"",
                self._events(span),
                self._links(span),
                _NO_STATUS if status._status_code is _UNSET else self._status(status),
            )
        )

    def _status(self, status: Any) -> bytes:
        code = _CODES[status._status_code._value_]
        return message(b"z", self._messages[status._description or None] + code)

    def _events(self, span: Any) -> bytes:
        events, dropped = span._events, 0
        if type(events) is BoundedList:
            events, dropped = events._dq, events.dropped  # type: ignore[attr-defined]
        elif events is not None:
            dropped = span.dropped_events
        if not events and not dropped:
            return b""
        encoded = [message(b"Z", self._event(event)) for event in events]
        return b"".join(encoded) + (b"`" + SIZES[dropped] if dropped else b"")

    def _event(self, event: Any) -> bytes:
        attributes, dropped = event.attributes, event.dropped_attributes
        return b"".join(
            (
                _time(b"\t", event.timestamp),
                self._event_names[event.name],
                self._event_attributes.encode(attributes) if attributes else b"",
                b" " + SIZES[dropped] if dropped else b"",
            )
        )

    def _links(self, span: Any) -> bytes:
        links, dropped = span._links, 0
        if type(links) is BoundedList:
            links, dropped = links._dq, links.dropped  # type: ignore[attr-defined]
        elif links is not None:
            dropped = span.dropped_links
        if not links and not dropped:
            return b""
        encoded = [message(b"j", self._link(link)) for link in links]
        return b"".join(encoded) + (b"p" + SIZES[dropped] if dropped else b"")

    def _link(self, link: Any) -> bytes:
        context, attributes = link.context, link.attributes
        dropped = link.dropped_attributes
        return b"".join(
            (
                b"\n\x10",
                context.trace_id.to_bytes(16, "big"),
                b"\x12\x08",
                context.span_id.to_bytes(8, "big"),
                self._link_attributes.encode(attributes) if attributes else b"",
                b"(" + SIZES[dropped] if dropped else b"",
                _LINK_REMOTE if context.is_remote else _LINK_LOCAL,
            )
        )


def _state(state: Any) -> bytes:
    text = ",".join(f"{key}={value}" for key, value in state.items())
    return message(b"\x1a", text.encode("utf-8", "backslashreplace"))
