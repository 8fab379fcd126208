"""
What type checkers say about a user's code; mypy reads this file, nobody runs it.

A line that must be wrong carries the error code that is expected: strict mode complains
about the comment when the error is not there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, assert_type

from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import TracerProvider

import otel_flow

from otel_flow import Settings, Telemetry, counted, timed, traced
from otel_flow.errors import ConfigError, MissingDependencyError, OtelFlowError, Problem
from otel_flow.measure import cache, timed_operation
from otel_flow.settings import BatchSettings


if TYPE_CHECKING:
    from contextlib import AbstractContextManager


def configuring(app: object, engine: object) -> None:
    """The handle and what it does."""
    telemetry = otel_flow.configure(
        service_name="shop",
        headers={"authorization": "secret"},
        sampler="traceidratio",
        sampler_argument="0.5",
        metric_interval=5.0,
    )
    assert_type(telemetry, Telemetry)
    assert_type(telemetry.settings, Settings)
    assert_type(telemetry.tracer_provider, TracerProvider)
    assert_type(telemetry.meter_provider, MeterProvider)
    assert_type(telemetry.instrument(app, engine), Callable[[], None])
    assert_type(telemetry.force_flush(1.5), bool)
    assert_type(telemetry.shutdown(), bool)
    with otel_flow.configure() as running:
        assert_type(running, Telemetry)

    assert_type(
        otel_flow.configure(
            route_sampling={"/search": 0.1},
            excluded_urls=["/internal"],
            disabled_instrumentations="httpx,requests",
            access_log=False,
            slow_query=0.5,
            log_levels={"sqlalchemy": "INFO"},
            span_batch=BatchSettings(schedule_delay=1),
            compression=None,
            id_generator="random",
            redaction={"mode": "drop", "keys": ["shoe_size"]},
        ),
        Telemetry,
    )

    otel_flow.configure("shop")  # type: ignore[call-arg]
    otel_flow.configure(service="shop")  # type: ignore[call-arg]
    otel_flow.configure(metric_interval="5")  # type: ignore[arg-type]
    otel_flow.configure(route_sampling="/search=0.1")  # type: ignore[arg-type]
    otel_flow.configure(compression="lzma")  # type: ignore[arg-type]
    otel_flow.configure(redaction_mode="drop")  # type: ignore[call-arg]
    otel_flow.configure(redaction={"mode": "shred"})  # type: ignore[arg-type]


def settings(environ: Mapping[str, str]) -> None:
    """Settings are read, not written."""
    found = Settings.from_environ(environ, service_name="shop", redaction_mode="drop")
    assert_type(found, Settings)
    assert_type(found.service_name, str | None)
    assert_type(found.shutdown_timeout, float)

    found.service_name = "other"  # type: ignore[misc]
    Settings.from_environ(environ, slow_query="1")  # type: ignore[arg-type]
    Settings.from_environ(environ, slow_queries=1)  # type: ignore[call-arg]


def errors(error: ConfigError) -> None:
    """Errors carry data."""
    assert_type(error.problems, tuple[Problem, ...])
    assert_type([problem.expected for problem in error.problems], list[str])
    root: OtelFlowError = error
    missing: ImportError = MissingDependencyError("feature", "package")
    del root, missing


def correlation() -> None:
    """The request id, and keys for all events of a block."""
    assert_type(otel_flow.request_id(), str | None)
    context: AbstractContextManager[None] = otel_flow.log_context(order_id=17)
    del context
    otel_flow.event("order.placed", order_id=17)

    otel_flow.event("order.placed", severity="loud")  # type: ignore[arg-type]


@traced
def plain(number: int) -> str:
    """Return the number as text."""
    return str(number)


@timed(attributes={"kind": "a"})
async def awaited(number: int) -> str:
    """Return the number as text, later."""
    return str(number)


@counted("things")
def generated() -> Iterator[int]:
    """Yield one."""
    yield 1


@traced
async def streamed() -> AsyncIterator[int]:
    """Yield one, later."""
    yield 1


class Order:
    """A class with a measured method."""

    @traced
    def total(self, *, vat: float) -> float:
        """Return the total."""
        return vat


async def decorating(order: Order) -> None:
    """A measured function has the type that it had."""
    assert_type(plain(1), str)
    assert_type(await awaited(1), str)
    assert_type(generated(), Iterator[int])
    assert_type(order.total(vat=0.2), float)
    async for number in streamed():
        assert_type(number, int)

    plain("1")  # type: ignore[arg-type]
    order.total(0.2)  # type: ignore[call-arg]


def operation() -> None:
    """An operation is told about itself while it runs."""
    with timed_operation("import", source="csv") as running:
        running.set(rows=3)
        assert_type(running.seconds, float)


def caches(get: Callable[[str], bytes | None], set_: Callable[[str, int], bool]) -> None:
    """What is counted keeps its types, arguments included."""
    products = cache("products")
    assert_type(products.get(get, "a"), bytes | None)
    assert_type(products.set(set_, "a", 1), bool)
    products.count("get", "hit")

    products.get(get, 1)  # type: ignore[arg-type]
    products.set(set_, "a")  # type: ignore[call-arg]
    products.count("get", "found")  # type: ignore[arg-type]


def logging() -> None:
    """structlog's own logger, untyped as structlog has it."""
    assert_type(otel_flow.get_logger("shop"), Any)
