"""
The entry points of ``opentelemetry-instrument``: thin, and never fatal for the application.

The wrapper picks a distro and a configurator on its own, by two variables or by chance.
Ours work together or not at all: with one of another distribution beside them nothing is
configured halfway, and one line on stderr names the two variables.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import re
import sys

from importlib.metadata import entry_points
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from opentelemetry.instrumentation.distro import BaseDistro  # type: ignore[attr-defined]

from otel_flow.bootstrap import start
from otel_flow.errors import OtelFlowError
from otel_flow.instrumentation.libraries import REPLACED
from otel_flow.names.environment import (
    CONFIGURATOR,
    DISABLED_INSTRUMENTATIONS,
    DISTRO,
    ENTRY_POINT,
    SEMCONV_STABILITY_OPT_IN,
)
from otel_flow.settings import Settings


if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.metadata import EntryPoint


logger = logging.getLogger("otel_flow.instrumentation")

_SELECT = f"set {DISTRO}={ENTRY_POINT} and {CONFIGURATOR}={ENTRY_POINT}"

_before: dict[str, str | None] = {}
"""The user's values of variables that are ours while the wrapper works."""

_GEVENT = re.compile(r" (-k|--worker-class)[ =]?gevent")

_told: list[str] = []
"""What was said about other distributions."""


class FlowDistro(BaseDistro):  # type: ignore[misc]
    """Asks the instrumentors that are loaded for the stable semantic conventions."""

    in_use = False
    """Whether the wrapper took this distro, and will take our configurator."""

    def _configure(self, **_keywords: Any) -> None:
        selected = os.environ.get(CONFIGURATOR, ENTRY_POINT)
        if selected != ENTRY_POINT:
            _tell(f"not in use, because {CONFIGURATOR} is {selected or 'empty'}: {_SELECT}")
            return
        FlowDistro.in_use = True
        patch_for_greenlets(sys.orig_argv)
        os.environ.setdefault(SEMCONV_STABILITY_OPT_IN, "http,database")
        if not {DISTRO, CONFIGURATOR} <= os.environ.keys() and (others := _others()):
            _tell(f"{others} is installed, too: {_SELECT}, or chance decides which one is used")
            _set_for_now(CONFIGURATOR, ENTRY_POINT)

    def load_instrumentor(self, entry_point: EntryPoint, **keywords: Any) -> None:
        """Load the instrumentor of *entry_point*, unless we do its work; a failure is its own."""
        if self.in_use and entry_point.name in REPLACED:
            return
        # Upstream's loader gives up on all that follow when one raises.
        try:
            super().load_instrumentor(entry_point, **keywords)
        except ImportError as error:
            # Upstream takes a missing module for a library that is not installed, and is silent.
            if not (error.name or "").startswith("opentelemetry."):
                raise
            _not_instrumented(entry_point, error)
        except Exception as error:
            _not_instrumented(entry_point, error)


class FlowConfigurator:
    """Configures all three signals from the environment."""

    def configure(self, **_keywords: Any) -> None:
        """
        Start telemetry.

        A wrong configuration is printed once, whole, and the application runs
        untraced: it was not the application that asked for telemetry. The same
        under another distro, whose defaults are not ours.
        """
        if not FlowDistro.in_use:
            _tell(f"telemetry is off, because the distro is another ({_others()}): {_SELECT}")
            return
        try:
            start(Settings.from_environ(), starter="wrapper")
        except OtelFlowError as error:
            sys.stderr.write(f"otel-flow: telemetry is off. {error}\n")
        disable_contrib_sqlalchemy()


def patch_for_greenlets(argv: Sequence[str]) -> None:
    """
    Have the standard library patched now, where Celery or gunicorn is asked for greenlets.

    Celery does so first of all, gunicorn in each worker, and we come before both: threads and
    locks of ours from before the patch would end, or block every greenlet.
    """
    programs = {PurePath(argument).name for argument in argv[1:4]}
    # The application is the server's own to load, whatever is wrong with it here.
    with contextlib.suppress(Exception):
        if "celery" in programs:
            importlib.import_module("celery").maybe_patch_concurrency(list(argv))
        options = " ".join([*argv, os.environ.get("GUNICORN_CMD_ARGS", "")])
        if "gunicorn" in programs and _GEVENT.search(options):
            importlib.import_module("gevent.monkey").patch_all()


def disable_contrib_sqlalchemy() -> None:
    """
    Keep contrib's SQLAlchemy instrumentor from being tried, until `after_instrumentors`.

    It is pinned to SQLAlchemy < 2.1, and the loader reports that as an error before
    a distro can say a word (open-telemetry/opentelemetry-python-contrib#5063).
    """
    before = os.environ.get(DISABLED_INSTRUMENTATIONS)
    _set_for_now(DISABLED_INSTRUMENTATIONS, f"{before},sqlalchemy" if before else "sqlalchemy")


def after_instrumentors() -> None:
    """Restore what was set for now, so that child processes inherit what the user set."""
    for name, before in _before.items():
        if before is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = before
    _before.clear()
    if not FlowDistro.in_use and not _told and not {DISTRO, CONFIGURATOR} & os.environ.keys():
        _tell(f"not in use, because {_others()} was picked: {_SELECT}")


def _set_for_now(name: str, value: str) -> None:
    _before[name] = os.environ.get(name)
    os.environ[name] = value


def _others() -> str:
    """Return the names of other distributions that the wrapper might pick."""
    found = {
        entry_point.dist.name if entry_point.dist else entry_point.name
        for group in ("opentelemetry_distro", "opentelemetry_configurator")
        for entry_point in entry_points(group=group)
        if entry_point.name != ENTRY_POINT
    }
    return ", ".join(sorted(found))


def _not_instrumented(entry_point: EntryPoint, error: Exception) -> None:
    logger.error("%s is not instrumented: %s: %s", entry_point.name, type(error).__name__, error)


def _tell(message: str) -> None:
    _told.append(message)
    sys.stderr.write(f"otel-flow: {message}\n")
