"""A span of the SDK that costs little: what it does in the common case, without its locks."""

from __future__ import annotations

import logging
import threading

from time import time_ns
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import Event, Span, _is_valid_link
from opentelemetry.sdk.util import BoundedList
from opentelemetry.trace import Link, Status, StatusCode

from otel_flow.otlp.repair import plain, text


if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import SpanLimits
    from opentelemetry.trace import SpanContext
    from opentelemetry.util.types import AnyValue, Attributes

    from otel_flow.otlp.constant import Constant
    from otel_flow.providers.bounds import Bounds


logger = logging.getLogger("opentelemetry.sdk.trace")
"""The SDK's own: what it says of a span that has ended is said by the same logger."""

UNSET = Status(StatusCode.UNSET)


class FlowSpan(Span):
    """
    A span whose only consumer is our pipeline, which encodes it from its fields.

    To users and to the SDK it is a `Span`. What it changes are single operations that the
    interpreter makes atomic; a lock, shared by all spans, is taken only where a limit is
    reached or a first event or link is added. It has no copy at its end: what comes
    afterwards is refused, as by the SDK's.
    """

    __slots__ = (
        "_attributes",
        "_bounds",
        "_context",
        "_dropped",
        "_end_time",
        "_events",
        "_instrumentation_scope",
        "_kind",
        "_links",
        "_name",
        "_open",
        "_parent",
        "_record_exception",
        "_resource",
        "_sampler",
        "_set_status_on_exception",
        "_span_processor",
        "_start_time",
        "_status",
    )

    _attributes: Any
    """What it has, in parts that it shares until somebody sets one more (see `Prepared`)."""
    _bounds: Bounds
    _dropped: int
    _events: Any
    _links: Any
    _open: bool

    _lock = threading.RLock()  # type: ignore[assignment]
    _trace_config = None
    _instrumentation_info = None
    _record_end_metrics = None

    @property
    def _limits(self) -> SpanLimits:
        return self._bounds.limits

    def _begin_with(self, attributes: Mapping[str, Any]) -> None:
        """Take *attributes*, which are anybody's, within the limits."""
        self._attributes, refused = self._bounds.cleaned(attributes)
        if refused or len(self._attributes) > self._bounds.most:
            self._shed(refused)

    @property
    def attributes(self) -> Attributes:
        """The attributes as they are now."""
        return MappingProxyType(self._whole())

    @property
    def dropped_attributes(self) -> int:
        """How many attributes were refused, or gave way to others."""
        return self._dropped

    def set_attribute(self, key: str, value: AnyValue) -> None:
        """Set one attribute."""
        if self._end_time is not None:
            logger.warning("Setting attribute on ended span.")
            return
        if type(key) is not str or not key:
            if not key or not isinstance(key, str):
                self._refuse(key)
                return
            key = str.__str__(key)
        bounds = self._bounds
        if type(value) not in bounds.simple:
            value = bounds.cleaned_value(value)
        attributes = self._attributes
        if type(attributes) is tuple:
            attributes = self._own()
        if key in attributes:
            # What is set again is the newest, and the last to give way.
            attributes.pop(key, None)
        attributes[key] = value
        if len(attributes) > bounds.most:
            self._shed()

    def _refuse(self, key: Any) -> None:
        logger.warning("invalid key `%s`. must be non-empty string.", text(key))
        with self._lock:
            self._dropped += 1

    def set_attributes(self, attributes: Mapping[str, AnyValue]) -> None:
        """Set several attributes."""
        if self._end_time is not None:
            logger.warning("Setting attribute on ended span.")
            return
        bounds = self._bounds
        kept, refused = bounds.cleaned(attributes)
        mine = self._own()
        if refused or len(mine) + len(kept) > bounds.most:
            self._shed(refused)
            for key, value in kept.items():
                self.set_attribute(key, value)
            return
        if not mine.keys().isdisjoint(kept):
            for key in kept:
                mine.pop(key, None)
        mine.update(kept)

    def describe(self, name: str, outcome: Constant) -> None:
        """Give it its name and the *outcome*, as instrumentations do shortly before its end."""
        if self._end_time is not None:
            return
        self._name = name
        self.add_parts(outcome)

    def add_parts(self, *found: dict[str, Any]) -> None:
        """Add parts of attributes (see `Prepared`), as instrumentations do shortly before its end."""
        if self._end_time is not None:
            return
        with self._lock:
            parts = self._attributes
            if type(parts) is tuple:
                every = (*parts, *found)
                if sum(map(len, every)) <= self._bounds.most:
                    self._attributes = every
                    return
        for part in found:
            self.set_attributes(part)

    def _whole(self) -> dict[str, Any]:
        """Return a copy of all attributes."""
        found = self._attributes
        if type(found) is not tuple:
            copied: dict[str, Any] = found.copy()
            return copied
        return {key: value for part in found for key, value in part.items()}

    def _own(self) -> dict[str, Any]:
        """Return the attributes as a dict that is the span's alone, from now on."""
        found: Any = self._attributes
        if type(found) is tuple:
            # Of two threads that set one, the second finds what the first has made.
            with self._lock:
                found = self._attributes
                if type(found) is tuple:
                    found = self._attributes = self._whole()
        own: dict[str, Any] = found
        return own

    def _shed(self, refused: int = 0) -> None:
        """Count *refused* attributes, and give up the oldest where there are too many."""
        attributes, most = self._own(), self._bounds.most
        with self._lock:
            self._dropped += refused
            while len(attributes) > most:
                del attributes[next(iter(attributes))]
                self._dropped += 1

    def add_event(
        self, name: str, attributes: Attributes = None, timestamp: int | None = None
    ) -> None:
        """Add an event, at *timestamp* in nanoseconds since the epoch or now."""
        if self._end_time is not None:
            logger.warning("Tried calling %s on an ended span.", "add_event")
            return
        kept = self._kept(attributes, self._limits.max_event_attributes)
        self._listed("_events", self._limits.max_events).append(Event(name, kept, timestamp))

    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None:
        """Add a link to the span of *context*."""
        if self._end_time is not None:
            logger.warning("Tried calling %s on an ended span.", "add_link")
            return
        if _is_valid_link(context, attributes):
            kept = self._kept(attributes, self._limits.max_link_attributes)
            self._listed("_links", self._limits.max_links).append(Link(context, kept))

    def _kept(self, attributes: Attributes, most: int | None) -> BoundedAttributes:
        length = self._limits.max_attribute_length
        try:
            return BoundedAttributes(most, attributes, immutable=True, max_value_len=length)
        # As in `Bounds.cleaned`.
        except Exception:
            return BoundedAttributes(most, plain(attributes), immutable=True, max_value_len=length)

    def _listed(self, field: str, most: int | None) -> Any:
        """Return the events or links as a list that can be added to."""
        found = getattr(self, field)
        if type(found) is BoundedList:
            return found
        with self._lock:
            found = getattr(self, field)
            if type(found) is not BoundedList:
                found = BoundedList(most)
                setattr(self, field, found)
        return found

    def update_name(self, name: str) -> None:
        """Replace the name."""
        if self._end_time is None:
            self._name = name
        else:
            logger.warning("Tried calling %s on an ended span.", "update_name")

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Set the status; OK is final, and UNSET changes nothing."""
        if self._end_time is not None:
            logger.warning("Tried calling %s on an ended span.", "set_status")
            return
        code = status.status_code if isinstance(status, Status) else status
        if self._status.status_code is StatusCode.OK or code is StatusCode.UNSET:
            return
        if not isinstance(status, Status):
            status = Status(status, description)
        elif description is not None:
            logger.warning(
                "Description %s ignored. Use either `Status` or `(StatusCode, Description)`",
                description,
            )
        self._status = status

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,  # noqa: FBT002  upstream's signature
    ) -> None:
        """Add an event that describes *exception*."""
        try:
            super().record_exception(exception, attributes, timestamp, escaped)
        # Texts and tracebacks of the application's exceptions may raise themselves.
        except Exception:
            found = {
                "exception.type": type(exception).__qualname__,
                "exception.message": text(exception),
                "exception.escaped": str(escaped),
            }
            self.add_event("exception", found, timestamp)

    def start(self, start_time: int | None = None, parent_context: Context | None = None) -> None:
        """Refuse: a tracer has started it."""
        del start_time, parent_context
        logger.warning("Calling start() on a started span.")

    def end(self, end_time: int | None = None) -> None:
        """End it, once; *end_time* is in nanoseconds since the epoch."""
        # Of two threads that end it, one finds the field gone.
        try:
            del self._open
        except AttributeError:
            logger.warning("Calling end() on an ended span.")
            return
        self._end_time = time_ns() if end_time is None else end_time
        way: Any = self._span_processor
        if (append := way.append) is not None:
            if self._context[3] & 1:  # type: ignore[index]
                append(self)
        else:
            # A processor was added meanwhile.
            way._on_ending(self)
            way.on_end(self._readable_span())

    def _readable_span(self) -> Any:
        readable = super()._readable_span()
        bounded = BoundedAttributes()
        bounded._dict = self._own()
        bounded.dropped = self._dropped
        bounded._immutable = True
        readable._attributes = bounded
        return readable
