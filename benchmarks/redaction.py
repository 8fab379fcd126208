"""
What redaction costs a record, a value that was never seen, a stack trace, and start-up.

Of texts of 64 KiB it shows the CPU time of the whole, and of the longest slice that lets
nobody else run.

Run it with ``python benchmarks/redaction.py``; every row is the median of 15 rounds.
"""

import itertools
import statistics
import time
import traceback

from otel_flow.redaction import build_redaction
from otel_flow.settings import Settings


ROUNDS = 15

SPAN = {
    "http.request.method": "GET",
    "url.scheme": "https",
    "url.path": "/items/17",
    "http.route": "/items/{item_id}",
    "server.address": "shop.example",
    "server.port": 443,
    "http.response.status_code": 200,
    "user_agent.original": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120.0.0.0",
}
LOG = {
    "event": "order.placed",
    "order_id": 17,
    "price": 12.5,
    "currency": "EUR",
    "customer": "gold",
    "tags": "new",
    "code.file.path": "/srv/shop/orders.py",
    "code.function.name": "place_order",
    "code.line.number": 42,
}
"""What a span and a log record typically hold: nothing to mask, and nothing new."""

MISSES = {
    "miss: hex id": lambda n: f"{n:032x}",
    "miss: uuid": lambda n: f"123e4567-e89b-12d3-a456-{n:012x}",
    "miss: timestamp": lambda n: f"2026-05-01T12:00:00.{n % 10**6:06}Z",
    "miss: path, 24 characters": lambda n: f"/api/v1/items/{n:010}",
    "miss: sentence, 60 characters": lambda n: (
        f"the order {n:08} was placed by a customer of the shop today."
    ),
    "miss: SQL, 120 characters": lambda n: (
        "SELECT items.id, items.name, items.price FROM items JOIN orders ON orders.item_id = items.id"
        f" WHERE items.id = {n:08} LIMIT 10"
    ),
    "miss: URL with a secret": lambda n: f"https://shop.example/items?page=2&token=abc{n:08}",
    "miss: DSN with a secret": lambda n: f"postgresql://shop:pw{n:08}@db:5432/shop",
    "miss: JSON with a secret": lambda n: f'{{"name": "bob", "password": "hunter{n}", "n": 1}}',
}


def per_call(function, calls):
    """Return the median µs of a call, over rounds."""
    rounds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(calls):
            function()
        rounds.append((time.perf_counter() - started) / calls)
    return statistics.median(rounds) * 1e6


LONG = {
    "key=value": lambda n: f"key{n}=value{n} ",
    "query": lambda n: f"{'&' if n else '/p?'}key{n}=value{n}",
    "password=": lambda n: f"password=hunter{n} ",
    "JSON lines": lambda n: f'{{"key{n}": "value{n}"}}\n',
    "prose": lambda n: f"the brown fox {n} jumps over the lazy dog with its key. ",
    "base64": lambda _: "QUJDREVG",
    "SQL": lambda n: f"insert into users (id, password) values ({n}, 'pw{n}'); ",
    "a list in SQL": lambda n: f"{'' if n else 'select x from t where password in ('}'v{n}', ",
    "rows in errors": lambda n: f"Failing row contains (1, secret{n})\n",
    "code": lambda n: f'{"" if n else "Traceback:"}\n  File "a.py", line {n}, in f',
    "one JSON document": lambda n: f'{"," if n else "["}{{"n": {n}, "password": "x{n}"}}',
    "escapes": lambda n: f"key{n}%3Dvalue{n}%20",
}
SIZE = 64 * 1024


def slices(redaction, text):
    """Return ms of CPU for *text*, and of the longest slice of it."""
    rounds = []
    for _ in range(ROUNDS):
        times = [time.thread_time()]
        unhurried = redaction.with_steps(lambda: lambda: times.append(time.thread_time()))  # noqa: B023
        unhurried.text(text)
        times.append(time.thread_time())
        rounds.append((times[-1] - times[0], max(b - a for a, b in itertools.pairwise(times))))
    return [statistics.median(column) * 1e3 for column in zip(*rounds, strict=True)]


def trace():
    """Return a stack trace of 20 frames."""

    def deeper(n):
        if n:
            deeper(n - 1)
        raise ValueError("password=hunter2 was refused")

    try:
        deeper(18)
    except ValueError as error:
        # One line a frame that differs, or Python would sum them up.
        lines = traceback.format_exception(error)
        return "".join(line.replace("in deeper", f"in f{i}") for i, line in enumerate(lines))
    raise AssertionError


def main():
    """Print the table."""
    started = time.perf_counter()
    redaction = build_redaction(Settings())
    print(f"{'build the policy':<34}{(time.perf_counter() - started) * 1e3:>10.2f} ms")
    for name, record in (("span, 8 attributes", SPAN), ("log record, 9 values", LOG)):
        redaction.attributes(record)
        cost = per_call(lambda record=record: redaction.attributes(record), 5000)
        print(f"{'hit: ' + name:<34}{cost:>10.2f} µs")
    for name, value in MISSES.items():
        numbers = itertools.count()

        def miss(value=value, numbers=numbers):
            redaction.attribute("some.key", value(next(numbers)))

        base = per_call(lambda value=value, numbers=numbers: value(next(numbers)), 1500)
        print(f"{name:<34}{per_call(miss, 1500) - base:>10.2f} µs")
    text = trace()
    fresh = itertools.count()
    cost = per_call(lambda: redaction.text(f"{text}{next(fresh)}"), 200)
    print(f"{f'stack trace, {len(text)} characters':<34}{cost:>10.2f} µs")
    for name, unit in LONG.items():
        text = "".join(map(unit, range(SIZE)))[:SIZE]
        if name == "one JSON document":
            text = f"{text[: text.rindex('}') + 1]}]"
        whole, longest = slices(redaction, text)
        print(f"{f'64 KiB of {name}':<34}{whole:>10.2f} ms, longest slice {longest:.2f} ms")


if __name__ == "__main__":
    main()
