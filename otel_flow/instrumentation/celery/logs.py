"""The worker's logging: what Celery sets up prints; it is kept from printing twice."""

from __future__ import annotations

import logging

from typing import Any

from celery.utils.log import ColorFormatter, get_multiprocessing_logger

from otel_flow.log_chain import reattach
from otel_flow.log_chain.standard import BridgeHandler


def on_setup(*, logger: logging.Logger, **_: Any) -> None:
    """
    Put the log chain in the place of the console handler that Celery has given *logger*.

    Files, of ``--logfile`` or of the application's own receivers, stay.
    """
    # The processes of the pool are watched through a logger of their own.
    for own in (logger, get_multiprocessing_logger()):
        own.handlers = [handler for handler in own.handlers if not _is_replaced(handler)]
        # Celery's task logger begins with one that does nothing.
        if all(isinstance(handler, logging.NullHandler) for handler in own.handlers):
            own.propagate = True
    reattach()


def _is_replaced(handler: logging.Handler) -> bool:
    """Return whether *handler* is ours, put back where it belongs at the end, or Celery's console."""
    if isinstance(handler, BridgeHandler):
        return True
    return type(handler) is logging.StreamHandler and isinstance(handler.formatter, ColorFormatter)
