"""
What one call of a library costs: alone, with contrib's instrumentation, with ours, in one run.

``python benchmarks/libraries.py [library …]``, by default all. Every call happens inside a
span, whose spans and metrics a process beside takes. Measured are the microseconds of the
thread that calls and of the whole process, export included; contenders alternate, each
round in a process of its own; ``ROUNDS=3`` makes it shorter. ``--profile`` shows instead where ours spends its time.

The libraries are those of `benchmarks/library_rows.py`. Redis needs ``redis-server``. Of Celery
the thread publishes, and another one of the process runs the tasks.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time

from benchmarks.library_rows import LIBRARIES, Library
from benchmarks.sink import sink


ROUNDS = int(os.environ.get("ROUNDS", "7"))


_START = """
import os, sys, time
from opentelemetry import trace, metrics
calls = int(sys.argv[1])
os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"] = "http,database"
"""

BARE = "flush = lambda: None\n"

CONTRIB = """
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
resource = Resource.create({"service.name": "bench"})
provider = TracerProvider(resource=resource)
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), max_queue_size=1_000_000))
trace.set_tracer_provider(provider)
reader = PeriodicExportingMetricReader(OTLPMetricExporter(), export_interval_millis=5000)
metrics.set_meter_provider(MeterProvider([reader], resource=resource))
flush = lambda: provider.force_flush(60_000)
"""

OURS = """
import otel_flow
telemetry = otel_flow.configure(service_name="bench", metric_interval=5.0)
flush = lambda: telemetry.force_flush(60)
"""

_LOOP = """
def run(count):
    for _ in range(count):
        {call}
with trace.get_tracer("bench").start_as_current_span("request"):
    run(500)
    flush()
    if sys.argv[2] == "profile":
        import cProfile, pstats
        profile = cProfile.Profile()
        profile.runcall(run, calls)
        pstats.Stats(profile).sort_stats("tottime").print_stats(32)
        os._exit(0)
    whole, thread = time.process_time(), time.thread_time()
    run(calls)
    thread = time.thread_time() - thread
    flush()
    whole = time.process_time() - whole
print(thread / calls * 1e6, whole / calls * 1e6)
sys.stdout.flush()
os._exit(0)
"""


def program(library: Library, contender: str) -> str:
    """The source of one contender's process."""
    call = _LOOP.format(call=library.call)
    if contender == "alone":
        return _START + BARE + library.client + call
    if contender == "contrib":
        line = "Contrib().instrument(skip_dep_check=True)\n"
        return f"{_START}{CONTRIB}{library.contrib}\n{line}{library.client}{call}"
    return f"{_START}{OURS}{library.ours}\nours.instrument()\n{library.client}{call}"


CONTENDERS = ("alone", "contrib", "otel-flow")


def _redis() -> tuple[subprocess.Popen[bytes], int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while socket.socket().connect_ex(("127.0.0.1", port)):
        time.sleep(0.05)
    return server, port


def once(library: Library, contender: str, *, endpoint: str, port: int, mode: str = "time") -> str:
    """What the process of one contender prints."""
    command = [sys.executable, "-c", program(library, contender)]
    done = subprocess.run(
        [*command, str(library.calls), mode, str(port)],
        env={
            **os.environ,
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            # Contrib has none.
            "OTEL_FLOW_ACCESS_LOG": "false",
        },
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def rows(name: str, library: Library, *, endpoint: str, port: int) -> None:
    """Print the rows of one library."""
    results: dict[str, list[tuple[float, float]]] = {contender: [] for contender in CONTENDERS}
    for _ in range(ROUNDS):
        for contender in CONTENDERS:
            printed = once(library, contender, endpoint=endpoint, port=port)
            thread, whole = printed.split()[-2:]
            results[contender].append((float(thread), float(whole)))
    least = {
        contender: [min(column) for column in zip(*rounds, strict=True)]
        for contender, rounds in results.items()
    }
    alone, contrib = least["alone"], least["contrib"]
    for contender, (thread, whole) in least.items():
        added = (thread - alone[0], whole - alone[1])
        share = [f"{a / (c - b):.0%}" for a, c, b in zip(added, contrib, alone, strict=True)]
        shown = "" if contender == "alone" else f"+{added[0]:.1f} ({share[0]})"
        process = "" if contender == "alone" else f"+{added[1]:.1f} ({share[1]})"
        print(f"| {name} | {contender} | {thread:.1f} | {shown} | {whole:.1f} | {process} |")
        sys.stdout.flush()


def main() -> None:
    wanted = [word for word in sys.argv[1:] if not word.startswith("-")] or list(LIBRARIES)
    server, port = None, 0
    if any(LIBRARIES[name].needs for name in wanted):
        if shutil.which("redis-server") is None:
            raise SystemExit("redis-server is missing; apt-get install redis-server")
        server, port = _redis()
    try:
        with sink() as sink_port:
            measure(wanted, endpoint=f"http://127.0.0.1:{sink_port}", port=port)
    finally:
        if server is not None:
            server.terminate()
            server.wait()


def measure(wanted: list[str], *, endpoint: str, port: int) -> None:
    """Print the rows of the *wanted* libraries, or where the time of their calls goes."""
    if "--profile" in sys.argv:
        for name in wanted:
            print(once(LIBRARIES[name], "otel-flow", endpoint=endpoint, port=port, mode="profile"))
        return
    print(f"{ROUNDS} rounds, µs a call, the least; in brackets the share of what contrib adds")
    print("| library | | thread | added | process | added |\n|---|---|---|---|---|---|")
    for name in wanted:
        rows(name, LIBRARIES[name], endpoint=endpoint, port=port)


if __name__ == "__main__":
    main()
