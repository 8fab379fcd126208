"""Our part in a chain that the application has configured: before its renderer, wherever that is."""

from __future__ import annotations

import logging

from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

import structlog

from otel_flow.log_chain.composition import attributes_of, body_of, with_context
from otel_flow.log_chain.severity import severity_of_name
from otel_flow.log_chain.standard import mark_emitted
from otel_flow.log_chain.tail import Tail
from otel_flow.log_chain.values import plain
from otel_flow.redaction.signals import redacted_body


if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from structlog.typing import EventDict, Processor, WrappedLogger

    from otel_flow.log_chain.code import Callers
    from otel_flow.log_chain.events import Events
    from otel_flow.redaction import Redaction


_RENDERERS = (
    structlog.processors.JSONRenderer,
    structlog.processors.KeyValueRenderer,
    structlog.processors.LogfmtRenderer,
    structlog.dev.ConsoleRenderer,
)
_RENDERING = (
    structlog.stdlib.render_to_log_kwargs,
    getattr(structlog.stdlib, "render_to_log_args_and_kwargs", None),
    structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
)
_REWRITERS = (
    structlog.processors.ExceptionRenderer,
    structlog.processors.ExceptionPrettyPrinter,
    structlog.processors.EventRenamer,
)
_REWRITING = (structlog.processors.format_exc_info,)
"""What takes exceptions and texts out of an event before the renderer gets it."""

_KEPT = "_otel_flow"
"""Where an event carries from `Foreign.keep` to `Foreign.export` what is rewritten on the way."""
_TRACES = ("Traceback (most recent call last)", "exc_type", "exc_value")
"""What a rendered event has in it that shows an exception."""

_logger = logging.getLogger("otel_flow.delivery")


class Foreign:
    """The processors that join a chain of the application's."""

    def __init__(self, events: Events, callers: Callers, redaction: Redaction) -> None:
        self._events = events
        self._callers = callers
        self._redaction = redaction

    def joined(self, processors: Iterable[Processor]) -> list[Processor]:
        """Return *processors* with ours among them; a chain that has them, or captures, as it is."""
        chain = list(processors)
        if self.is_complete(chain):
            return chain
        last = max(0, len(chain) - 1)
        render = next((i for i, p in enumerate(chain) if _renders(p)), None)
        own = next((i for i, p in enumerate(chain) if not _is_structlogs(p)), last)
        rewrite = next((i for i, p in enumerate(chain[:render]) if _rewrites(p)), None)
        if render is None and own < last:
            return [
                *self._kept(chain[:own], rewrite),
                self._tail(chain[own:], rewrite, own),
                self.finish,
            ]
        render = last if render is None else render
        chain[render:] = [self.export, *chain[render:], self.finish]
        return self._kept(chain, rewrite)

    def _tail(self, end: list[Processor], rewrite: int | None, start: int) -> Tail:
        return Tail(self._kept(end, None if rewrite is None else rewrite - start), self.export)

    def _kept(self, part: list[Processor], rewrite: int | None) -> list[Processor]:
        """Return *part* of a chain with `keep` before its processor number *rewrite*, if that is in it."""
        if rewrite is None or not 0 <= rewrite < len(part):
            return part
        return [*part[:rewrite], self.keep, *part[rewrite:]]

    def without(self, processors: Iterable[Processor]) -> list[Processor]:
        """Return *processors* as they were before they were `joined`."""
        whole: list[Processor] = []
        for processor in processors:
            whole.extend(processor.processors if isinstance(processor, Tail) else [processor])
        return [each for each in whole if each not in (self.keep, self.export, self.finish)]

    def is_complete(self, chain: list[Processor]) -> bool:
        """Return whether nothing of ours is missing in *chain*."""
        return self.export in chain or any(
            isinstance(processor, structlog.testing.LogCapture | Tail) for processor in chain
        )

    def keep(self, _logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
        """Remember what the processors that follow will take out of the event."""
        event[_KEPT] = {key: event[key] for key in ("event", "exc_info") if key in event}
        return event

    def export(self, logger: WrappedLogger, name: str, event: Any) -> Any:
        """Emit the record of an event; whatever goes wrong, the event's line is still written."""
        if not isinstance(event, MutableMapping):
            return event
        kept = event.pop(_KEPT, None) or {}
        try:
            self._export(logger, name, event, kept)
        except Exception:
            _logger.debug("a record was not exported", exc_info=True)
        return event

    def _export(
        self, logger: WrappedLogger, method: str, event: EventDict, kept: dict[str, Any]
    ) -> None:
        severity = severity_of_name(str(event.get("level") or method))
        if isinstance(logger, logging.Logger) and not logger.isEnabledFor(severity.threshold):
            return
        with_context(event)
        values, renamed = _restored(event, kept)
        name = str(event.get("logger") or getattr(logger, "name", None) or "")
        found, text = attributes_of(values, own=False), body_of(values)
        if renamed and "event" in event:
            found["event"] = plain(event["event"])
        body, shown, ids = self._events.join(name, severity, text, found, self._callers.current())
        if body is not text and body != text:
            event[renamed or "event"] = body
            event.pop("positional_args", None)
        if shown is not found:
            self._mask(event, found, shown)
        if "request_id" in shown:
            event["request_id"] = shown["request_id"]
        event.update(ids)

    def _mask(self, event: EventDict, found: Mapping[str, Any], shown: Mapping[str, Any]) -> None:
        """Give *event* what redaction has made of the values *found* in it."""
        for key, value in found.items():
            if key not in event:
                continue
            if key not in shown:
                del event[key]
            elif shown[key] is not value:
                event[key] = shown[key]
        if "exception" in event:
            event["exception"] = redacted_body(event["exception"], self._redaction)

    def finish(self, logger: WrappedLogger, name: str, rendered: Any) -> Any:
        """Mask an exception that the renderer has shown, and mark the text as exported."""
        if isinstance(rendered, str) and any(trace in rendered for trace in _TRACES):
            rendered = self._redaction.text(rendered)
        return mark_emitted(logger, name, rendered)


def _restored(event: EventDict, kept: dict[str, Any]) -> tuple[EventDict, str]:
    """Return *event* with what was *kept* in its place, and the name that its text has now, if new."""
    if not kept:
        return event, ""
    text = kept.get("event")
    renamed = ""
    if event.get("event") is not text:
        renamed = next((key for key, value in event.items() if value is text), "")
    return {**{key: event[key] for key in event if key != renamed}, **kept}, renamed


def _is_structlogs(processor: Processor) -> bool:
    """Return whether *processor* is one of structlog's, of which all that render are known."""
    made_by = getattr(processor, "__module__", None) or type(processor).__module__
    return made_by.partition(".")[0] == "structlog"


def _renders(processor: Processor) -> bool:
    return isinstance(processor, _RENDERERS) or processor in _RENDERING


def _rewrites(processor: Processor) -> bool:
    return isinstance(processor, _REWRITERS) or processor in _REWRITING
