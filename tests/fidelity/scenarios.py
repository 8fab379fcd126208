"""How the life of a server goes on: what happens to it, and to what it sends to."""

from __future__ import annotations

import dataclasses
import os
import signal
import time

from typing import TYPE_CHECKING, Any

from tests.fidelity.service import Service, until


if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fidelity.models import Model


ENOUGH = 60
"""Units of work before something happens, and after it."""


@dataclasses.dataclass(kw_only=True)
class Cell:
    """One cell of the table, on its way."""

    model: Model
    folder: Path
    collector: Any
    wrapped: bool = False
    broker: str = ""
    status: int | None = None
    """How the server ended."""
    expected: int | None = 0
    service: Service = None  # type: ignore[assignment]
    answered: list[int] = dataclasses.field(default_factory=list)

    def start(self, arguments: str = "", **environ: str) -> Service:
        self.expected = self.model.status
        self.service = Service(
            self.model,
            self.folder,
            self.collector.endpoint,
            wrapped=self.wrapped,
            broker=self.broker,
            arguments=arguments,
            **environ,
        )
        return self.service

    def end(self, number: signal.Signals = signal.SIGTERM, *, group: bool = False) -> None:
        self.service.send(number, group=group)
        self.status = self.service.wait()


def stopped(cell: Cell) -> None:
    """SIGTERM when there is nothing more to do."""
    service = cell.start()
    with service.load() as load:
        _wait_for_all(service)
    _keep(cell, load)
    cell.end()


def terminated(cell: Cell) -> None:
    """SIGTERM under load."""
    service = cell.start()
    with service.load() as load:
        _wait_for_all(service)
        cell.end()
    _keep(cell, load)


def interrupted(cell: Cell) -> None:
    """SIGINT to the whole process group under load, as Ctrl-C sends it."""
    service = cell.start()
    cell.expected = cell.model.interrupted
    with service.load() as load:
        _wait_for_all(service)
        cell.end(signal.SIGINT, group=True)
    _keep(cell, load)


def cancelled(cell: Cell) -> None:
    """SIGTERM while requests are under way that take longer than the server waits."""
    service = cell.start(cell.model.grace)
    with service.load() as load:
        _wait_for_all(service)
    with service.load("/slow") as slow:
        service.wait_for(4)
        cell.end()
    _keep(cell, load)
    assert slow is not None
    assert not slow.answered


def quit_at_once(cell: Cell) -> None:
    """SIGQUIT under load, Celery's cold shutdown."""
    service = cell.start()
    with service.load():
        _wait_for_all(service)
        cell.end(signal.SIGQUIT)
    cell.expected = cell.status


def reloaded(cell: Cell) -> None:
    """SIGHUP under load, which replaces the workers, then SIGTERM."""
    service = cell.start()
    with service.load() as load:
        _wait_for_all(service)
        assert cell.model.reload is not None
        workers = cell.model.workers
        service.send(cell.model.reload)
        until(lambda: service.generations() >= 2 * workers, "new workers", service.process)
        service.wait_for(ENOUGH)
        cell.end()
    _keep(cell, load)


def recycled(cell: Cell) -> None:
    """Workers are replaced by new ones after some work, again and again, then SIGTERM."""
    recycle = cell.model.recycle
    service = cell.start(recycle if isinstance(recycle, str) and recycle[:1] == "-" else "")
    with service.load() as load:
        if cell.model.name == "uvicorn":
            # Nobody starts it again.
            cell.expected, cell.status = 0, service.wait()
        else:
            _recycle(cell, service)
            cell.end()
    _keep(cell, load)


def _recycle(cell: Cell, service: Service) -> None:
    _wait_for_all(service)
    if isinstance(cell.model.recycle, signal.Signals):
        service.send(cell.model.recycle)
    elif cell.model.recycle == "touch":
        changed = service.watched / "settings.py"
        os.utime(changed, (time.time() + 10, time.time() + 10))
    # After a signal all of them, as at the start.
    signalled = isinstance(cell.model.recycle, signal.Signals)
    workers = service.model.workers
    enough = 2 * workers if signalled else workers + 1
    until(lambda: service.generations() >= enough, "new workers", service.process)
    service.wait_for(ENOUGH)


def collector_restarted(cell: Cell) -> None:
    """The Collector is away for a while under load."""
    service = cell.start()
    with service.load() as load:
        _wait_for_all(service)
        cell.collector.stop()
        service.wait_for(ENOUGH)
        cell.collector.start()
        service.wait_for(ENOUGH)
        cell.end()
    _keep(cell, load)


def collector_slow(cell: Cell) -> None:
    """The Collector takes 0.3 s for each answer."""
    cell.collector.slow_down(0.3)
    terminated(cell)


def collector_down(cell: Cell) -> None:
    """The Collector goes before the work begins and never comes back."""
    cell.collector.stop()
    terminated(cell)


def forking(cell: Cell) -> None:
    """Requests fork children that work, too, while exports are under way."""
    service = cell.start(OTEL_BSP_SCHEDULE_DELAY="20", OTEL_BLRP_SCHEDULE_DELAY="20")
    with service.load("/fork") as load:
        _wait_for_all(service)
        service.wait_for(ENOUGH)
        cell.end()
    _keep(cell, load)


def _wait_for_all(service: Service) -> None:
    """
    Wait for enough work, some of it by each worker.

    Who is told to end while it starts may not listen: granian's worker takes SIGTERM for its
    parent's until its loop runs, and its parent then waits for it without end.
    """
    service.wait_for(ENOUGH)
    until(lambda: service.generations() >= service.model.workers, "work for all", service.process)


def _keep(cell: Cell, load: Any) -> None:
    if load is not None:
        cell.answered = sorted(load.answered)


SCENARIOS: dict[str, Callable[[Cell], None]] = {
    "stop": stopped,
    "SIGTERM": terminated,
    "SIGINT": interrupted,
    "graceful time-out": cancelled,
    "SIGQUIT": quit_at_once,
    "SIGHUP": reloaded,
    "recycle": recycled,
    "Collector restarted": collector_restarted,
    "Collector slow": collector_slow,
    "Collector down": collector_down,
    "fork": forking,
}


def happens(model: Model, scenario: str) -> bool:
    """Whether *scenario* can happen to *model*."""
    return {
        "SIGINT": model.interrupted is not None,
        "graceful time-out": model.grace != "",
        "SIGQUIT": model.cold,
        "SIGHUP": model.reload is not None,
        "recycle": model.recycle is not None,
        "fork": model.kind in ("asgi", "wsgi") and model.forks,
    }.get(scenario, True)
