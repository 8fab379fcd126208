"""The customers of the shop: requests of every kind, some slow, some failing."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import random
import threading
import time

from typing import TYPE_CHECKING, Any

import httpx


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Self


_CUSTOMERS = 4
_TIMEOUT = 30.0
_TRACE_ID = 1
"""Place of the trace id in ``version-traceid-parentid-flags``."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """
    A kind of request: what is asked, and what a shop in order answers and logs.

    *route* is the name of the server span; *tasks* are those that it sets off; *events*
    are the lines of the shop's own that the request and its tasks log.
    """

    route: str
    method: str = "GET"
    path: str
    status: int = 200
    body: dict[str, Any] | None = None
    weight: int = 1
    events: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()


_PRODUCT = "GET /products/{product_id}"


def _order(
    status: int,
    *,
    tasks: tuple[str, ...] = (),
    events: tuple[str, ...] = (),
    weight: int = 1,
    **changes: Any,
) -> Visit:
    return Visit(
        route="POST /orders",
        method="POST",
        path="/orders",
        status=status,
        body={"product_id": 1, "quantity": 2, **changes},
        weight=weight,
        tasks=tasks,
        events=events,
    )


VISITS = (
    Visit(route="GET /products", path="/products", weight=3),
    Visit(route=_PRODUCT, path="/products/1", weight=6),
    Visit(route=_PRODUCT, path="/products/3", weight=4),
    _order(
        202,
        tasks=("shop.fulfil_order", "shop.send_receipt"),
        events=("order.placed", "order.paid", "receipt.sent"),
        weight=5,
    ),
    _order(
        202, tasks=("shop.fulfil_order",), events=("order.placed", "card.refused"), card="expired"
    ),
    _order(422, quantity=0),
    Visit(route="GET /search", path="/search?q=Tea", weight=1, events=("search.done",)),
    Visit(route=f"{_PRODUCT}/related", path="/products/2/related", weight=2),
    Visit(route=_PRODUCT, path="/products/99", status=404, events=("product.unknown",)),
    Visit(
        route=f"{_PRODUCT}/discount",
        path="/products/8/discount",
        status=500,
        events=("http.server.request.exception",),
    ),
    Visit(route=f"{_PRODUCT}/discount", path="/products/2/discount", weight=2),
    Visit(route="GET", path="/wp-login.php", status=404),
)
"""Every kind; each also logs the access line."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a customer got: *status* 0 is no answer, with *error* saying why."""

    visit: Visit
    status: int
    trace_id: str
    seconds: float
    error: str = ""


TASK_OF = {
    "order.paid": "shop.fulfil_order",
    "card.refused": "shop.fulfil_order",
    "receipt.sent": "shop.send_receipt",
}
"""Event that a task logs once a run → the task."""


def visits(seed: int = 5) -> Iterator[Visit]:
    """Yield visits without end: one of each kind first, then at random by weight."""
    yield from VISITS
    chance = random.Random(seed)  # noqa: S311  the same load every time
    weights = [visit.weight for visit in VISITS]
    while True:
        yield chance.choices(VISITS, weights)[0]


class Load:
    """
    Four customers at a time, who together ask *rate* times a second.

    *answered* is called with each answer, from several threads.
    """

    def __init__(
        self, url: str, *, rate: float, answered: Callable[[Answer], object], limit: int | None
    ) -> None:
        self._rate = rate
        self._limit = limit
        self._answered = answered
        self._stop = threading.Event()
        # A connection a request: after an unhandled exception uvicorn closes a kept one
        # unannounced. Loopback is reached without the proxies of the user's environment.
        self._client = httpx.Client(
            base_url=url,
            timeout=_TIMEOUT,
            trust_env=False,
            limits=httpx.Limits(max_keepalive_connections=0),
        )
        self._pool = concurrent.futures.ThreadPoolExecutor(_CUSTOMERS, "customer")
        self._thread = threading.Thread(target=self._run, name="load")
        self._thread.start()

    def _run(self) -> None:
        asked: list[concurrent.futures.Future[None]] = []
        for number, visit in enumerate(visits()):
            if number == self._limit or self._stop.is_set():
                break
            asked = [future for future in asked if not future.done()]
            if len(asked) >= _CUSTOMERS:
                concurrent.futures.wait(asked, return_when=concurrent.futures.FIRST_COMPLETED)
            asked.append(self._pool.submit(self._ask, visit))
            self._stop.wait(1 / self._rate)
        concurrent.futures.wait(asked)

    def _ask(self, visit: Visit) -> None:
        began = time.perf_counter()
        try:
            response = self._client.request(visit.method, visit.path, json=visit.body)
        except httpx.HTTPError as error:
            seconds = time.perf_counter() - began
            reason = f"{type(error).__name__}: {error}"
            self._answered(
                Answer(visit=visit, status=0, trace_id="", seconds=seconds, error=reason)
            )
            return
        parts = response.headers.get("traceresponse", "").split("-")
        self._answered(
            Answer(
                visit=visit,
                status=response.status_code,
                trace_id=parts[_TRACE_ID] if len(parts) > _TRACE_ID else "",
                seconds=time.perf_counter() - began,
            )
        )

    def done(self) -> bool:
        """Return whether all requests were answered."""
        return not self._thread.is_alive()

    def stop(self) -> None:
        """Ask nothing more, and wait for what was asked."""
        self._stop.set()
        self._thread.join()
        self._pool.shutdown()
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()
