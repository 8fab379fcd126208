"""`otel-flow demo`: the shop under load, and what arrives of it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
import sys
import tempfile
import threading
import time

from pathlib import Path
from typing import TYPE_CHECKING

import redis

from rich.console import Console
from rich.text import Text

from otel_flow import process
from otel_flow.demo.choice import Choice
from otel_flow.demo.evidence import Witness
from otel_flow.demo.load import TASK_OF, VISITS, Load
from otel_flow.demo.report import print_summary, summary_document
from otel_flow.demo.screen import Screen, write_items
from otel_flow.demo.services import Services
from otel_flow.demo.summary import summarize, summarize_sent
from otel_flow.otlp.receiver import PortTakenError, Receiver
from otel_flow.settings.masking import mask_url


if TYPE_CHECKING:
    from collections.abc import Iterator

    from otel_flow.demo.load import Answer
    from otel_flow.otlp.receiver import Batch


_TICK = 0.1
_SETTLE = 0.8
_READY_SECONDS = 60.0
_PATIENCE_SECONDS = 60.0
_STOP_SECONDS = 20.0
LEAST_REQUESTS = len(VISITS)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """
    *requests* None is without end, *port* 0 any free one, *send* None the receiver in here.

    *rate* is requests a second; *redis_url* None is a shop without a cache.
    """

    requests: int | None
    rate: float
    port: int
    send: str | None
    redis_url: str | None
    as_json: bool


class Demo:
    """One run: what is started, watched and told."""

    def __init__(self, options: DemoOptions, console: Console | None = None) -> None:
        self._options = options
        self._once = options.requests is not None
        self._console = console or Console(highlight=False, stderr=options.as_json)
        self._witness = Witness()
        choice = Choice(once_each=True) if self._once else Choice(per_second=1.0)
        self._screen = Screen(self._console, choice=choice, settle=_SETTLE)
        self._writing = threading.Lock()

    def run(self) -> int:
        """Run to the end of the requests or to Ctrl-C, and return the exit code."""
        with contextlib.ExitStack() as stack:
            receiver = None if self._options.send else stack.enter_context(self._receiver())
            endpoint = receiver.endpoint if receiver else str(self._options.send)
            home = stack.enter_context(tempfile.TemporaryDirectory(prefix="otel-flow-demo-"))
            services = stack.enter_context(self._services(Path(home), endpoint))
            self._introduce(services, endpoint)
            with self._shown():
                self._watch(services)
                self._say("stopping the services")
                services.stop()
                self._tell(everything=True)
        return self._conclude() if self._once else 0

    def _receiver(self) -> Receiver:
        take, refuse = self._take, self._screen.refuse
        try:
            return Receiver(take, refused=refuse, port=self._options.port)
        except PortTakenError as error:
            self._say(f"{error.strerror}; another one is used")
            return Receiver(take, refused=refuse)

    def _take(self, batch: Batch) -> None:
        self._screen.take(batch)
        if self._once:
            self._witness.batch(batch)
        elif self._options.as_json:
            with self._writing:
                write_items(batch, sys.stdout)

    @contextlib.contextmanager
    def _services(self, home: Path, endpoint: str) -> Iterator[Services]:
        with Services(
            home,
            endpoint=endpoint,
            own_backend=self._options.send is not None,
            redis_url=answering_redis(self._options.redis_url),
            line=self._witness.line if self._once else lambda _line: None,
            text=self._witness.text,
        ) as services:
            # SIGTERM ends this process without leaving its blocks.
            undo = process.on_exit(lambda _seconds: _clean_up(services, home), name="demo")
            process.install(_STOP_SECONDS)
            try:
                yield services
            finally:
                undo()
                process.uninstall()

    def _introduce(self, services: Services, endpoint: str) -> None:
        self._say(f"a shop and its worker start; they send OTLP to {mask_url(endpoint)}")
        wanted = self._options.redis_url
        if wanted is None:
            self._say("the shop has no cache")
        elif answering_redis(wanted):
            self._say(f"Redis answers at {mask_url(wanted)}: the shop caches")
        else:
            self._say(
                f"no Redis answers at {mask_url(wanted)}: the shop is degraded, no cache", "yellow"
            )
        ends = "" if self._once else "; Ctrl-C ends"
        self._say(f"the shop is at {services.url}/docs{ends}\n")

    def _say(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style))

    def _watch(self, services: Services) -> None:
        """Look on until everything is done, without `--once` until Ctrl-C."""
        try:
            services.wait_ready(_READY_SECONDS)
            self._look_on(services)
        except KeyboardInterrupt:
            if self._once:
                raise

    def _look_on(self, services: Services) -> None:
        limit, rate = self._options.requests, self._options.rate
        with Load(services.url, rate=rate, answered=self._answered, limit=limit) as load:
            end = time.monotonic() + _PATIENCE_SECONDS + (limit or 0) / rate
            while not (self._once and load.done() and self._tasks_done()):
                services.check()
                self._tell()
                time.sleep(_TICK)
                if self._once and time.monotonic() > end:
                    self._say("the tasks are not done in time", "red")
                    return

    @contextlib.contextmanager
    def _shown(self) -> Iterator[None]:
        if self._options.as_json:
            yield
            return
        with self._screen.live():
            yield

    def _tell(self, *, everything: bool = False) -> None:
        if not self._options.as_json:
            self._screen.tell(everything=everything)

    def _answered(self, answer: Answer) -> None:
        if self._options.send:
            self._screen.answered(answer)
        if self._once:
            self._witness.answer(answer)

    def _tasks_done(self) -> bool:
        expected = sum(
            len(answer.visit.tasks)
            for answer in self._witness.answers()
            if answer.status == answer.visit.status
        )
        return self._witness.events(*TASK_OF) >= expected

    def _conclude(self) -> int:
        seen = self._witness.seen()
        summary = summarize_sent(seen) if self._options.send else summarize(seen)
        if self._options.as_json:
            sys.stdout.write(json.dumps(summary_document(summary), indent=2) + "\n")
        else:
            print_summary(self._console, summary)
        return 0 if summary.passed else 1


def _clean_up(services: Services, home: Path) -> None:
    services.stop()
    shutil.rmtree(home, ignore_errors=True)


def run_demo(options: DemoOptions) -> int:
    """Run the demo and return the exit code; raises `ServiceEndedError`."""
    return Demo(options).run()


def answering_redis(url: str | None) -> str | None:
    """Return *url* if a Redis answers there."""
    if url is None:
        return None
    try:
        with redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5) as client:
            client.ping()
    except (redis.RedisError, ValueError):
        return None
    return url
