"""
Where the microseconds of one request go, ours and upstream's: a picture.

``python -m benchmarks.breakdown --svg docs/request.svg``. The application is called in the process
itself, without a server. A timer of the CPU looks at the stack of the thread that answers; the
threads that encode and send are measured by their own clocks.
"""

import argparse
import asyncio
import collections
import html
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

from benchmarks.per_request import DRAIN_SECONDS, environment
from benchmarks.sink import sink


PARTS = (
    ("application and framework", "#c9ced6"),
    ("HTTP instrumentation", "#3b6fb6"),
    ("spans", "#e0892f"),
    ("metrics", "#4c9f5b"),
    ("context", "#8a63b0"),
    ("threads that encode and send", "#b5473f"),
)
PLACES = (
    ("/otel_flow/providers/span", 2),
    ("/otel_flow/providers/tracer", 2),
    ("/otel_flow/providers/decisions", 2),
    ("/otel_flow/delivery/", 2),
    ("/otel_flow/providers/active", 4),
    ("/otel_flow/providers/", 3),
    ("/otel_flow/instrumentation/asgi/metrics", 3),
    ("/otel_flow/", 1),
    ("/opentelemetry/sdk/metrics/", 3),
    ("/opentelemetry/metrics/", 3),
    ("/opentelemetry/sdk/", 2),
    ("/opentelemetry/trace/", 2),
    ("/opentelemetry/attributes/", 2),
    ("/opentelemetry/context/", 4),
    ("/opentelemetry/", 1),
)
"""Part of a file's path → the part that its time counts for; the innermost frame decides."""

HEADERS = [(b"host", b"127.0.0.1:8000"), (b"user-agent", b"otel-flow-bench/1"), (b"accept", b"*/*")]
INTERVAL = 0.001
STYLE = """<style>
text { font: 14px sans-serif; fill: #333 }
.title { font-weight: 600 }
.in { fill: #fff; text-anchor: middle }
</style>"""


def part_of(frame):
    """Return the number of the part that *frame*, or the first frame around it, belongs to."""
    while frame is not None:
        path = frame.f_code.co_filename
        for place, part in PLACES:
            if place in path:
                return part
        if any(place in path for place in ("/fastapi/", "/starlette/", "/asyncio/")):
            return 0
        frame = frame.f_back
    return 0


async def ask(app, requests, paths=("/hello",)):
    """Call *app* as a server would, at *paths* in turn."""

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        pass

    for number in range(requests):
        path = paths[number % len(paths)]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": list(HEADERS),
            "server": ("127.0.0.1", 8000),
            "client": ("127.0.0.1", 5000),
            "state": {},
        }
        await app(scope, receive, send)
        # As between the requests of a server.
        await asyncio.sleep(0)


def measure(contender, requests):
    """Return the microseconds of each part; to be called in a process of its own."""
    from benchmarks import service

    service.CONTENDERS[contender]()
    app = service.build(None)
    asyncio.run(ask(app, 500))
    samples = collections.Counter()
    signal.signal(signal.SIGPROF, lambda _, frame: samples.update([part_of(frame)]))
    all_before, own_before = time.process_time(), time.thread_time()
    signal.setitimer(signal.ITIMER_PROF, INTERVAL, INTERVAL)
    asyncio.run(ask(app, requests))
    own = time.thread_time() - own_before
    signal.setitimer(signal.ITIMER_PROF, 0)
    if threading.active_count() > 1:
        time.sleep(DRAIN_SECONDS)
    others = time.process_time() - all_before - (time.thread_time() - own_before)
    total = samples.total()
    parts = [own * samples[n] / total / requests * 1e6 for n in range(len(PARTS) - 1)]
    return [*parts, max(0.0, others) / requests * 1e6]


def in_a_process(contender, requests, sink_port):
    """Return the microseconds of each part of *contender*."""
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.breakdown", "--child", contender, str(requests)],
        env=environment(contender, sink_port),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=300,
        check=True,
    )
    return json.loads(run.stdout.splitlines()[-1])


def picture(found, title):
    """Return the SVG: one bar a contender, one colour a part, microseconds in and beside it."""
    left, width, height = 100, 700, 44
    scale = width / max(map(sum, found.values()))
    body = [f'<text x="20" y="26" class="title">{html.escape(title)}</text>']
    for row, (contender, parts) in enumerate(found.items()):
        y, x = 46 + row * (height + 16), float(left)
        body.append(f'<text x="20" y="{y + 28}">{contender}</text>')
        for (name, colour), micros in zip(PARTS, parts, strict=True):
            wide = micros * scale
            body.append(
                f'<rect x="{x:.1f}" y="{y}" width="{wide:.1f}" height="{height}" fill="{colour}">'
                f"<title>{name}: {micros:.0f} µs</title></rect>"
            )
            if wide > 26:
                body.append(
                    f'<text x="{x + wide / 2:.1f}" y="{y + 28}" class="in">{micros:.0f}</text>'
                )
            x += wide
        body.append(f'<text x="{x + 8:.1f}" y="{y + 28}">{sum(parts):.0f} µs</text>')
    legend = 60 + len(found) * (height + 16)
    for number, (name, colour) in enumerate(PARTS):
        x, y = 20 + number % 3 * 280, legend + number // 3 * 26
        body.append(f'<rect x="{x}" y="{y}" width="16" height="16" fill="{colour}"/>')
        body.append(f'<text x="{x + 24}" y="{y + 13}">{name}</text>')
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 880 {legend + 60}" role="img">',
            f"<title>{html.escape(title)}</title>",
            STYLE,
            '<rect width="100%" height="100%" fill="#fff"/>',
            *body,
            "</svg>",
            "",
        ]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[1])
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--svg", type=pathlib.Path, help="where to draw the picture")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        contender, requests = options.child
        print(json.dumps(measure(contender, int(requests))), flush=True)
        # What runs in the background has been counted.
        os._exit(0)
    with sink() as sink_port:
        found = {
            contender: in_a_process(contender, options.requests, sink_port)
            for contender in ("bare", "upstream", "ours")
        }
    print("| µs | " + " | ".join(name for name, _ in PARTS) + " | all |")
    print("|---|" + "---:|" * (len(PARTS) + 1))
    for contender, parts in found.items():
        cells = " | ".join(f"{micros:.0f}" for micros in [*parts, sum(parts)])
        print(f"| {contender} | {cells} |")
    if options.svg:
        title = "CPU of one request to /hello, without the server: microseconds"
        options.svg.write_text(picture(found, title))


if __name__ == "__main__":
    main()
