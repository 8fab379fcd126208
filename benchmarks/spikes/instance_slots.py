"""
Spike: does a slot that fifty processes hold in turn count right in a real Prometheus?

Each generation is a process of its own that takes the slot of the one before, counts 1
and ends. Prometheus takes OTLP directly. Run it with
``python benchmarks/spikes/instance_slots.py``; it builds Prometheus where the cache has none.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

from pathlib import Path


ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.stack.build import PROMETHEUS, binary, build  # noqa: E402


GENERATION = """
import otel_flow
from opentelemetry import metrics
telemetry = otel_flow.configure(service_name="generations")
if {zeros} is False:
    telemetry.pipeline._engine.collection.reader.births._since = lambda: None
meter = metrics.get_meter("m")
meter.create_counter("work.done").add(1)
meter.create_histogram("work.time", unit="s").record(0.5)
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def query(base: str, expression: str) -> list[dict]:
    address = f"{base}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
    with urllib.request.urlopen(address, timeout=10) as answer:
        return json.load(answer)["data"]["result"]


def start(directory: str, port: int) -> subprocess.Popen[bytes]:
    config = Path(directory) / "prometheus.yml"
    config.write_text("storage: {tsdb: {out_of_order_time_window: 10m}}\n")
    with (Path(directory) / "log").open("wb") as log:
        return subprocess.Popen(
            [
                str(binary(PROMETHEUS)),
                f"--config.file={config}",
                f"--storage.tsdb.path={directory}/data",
                f"--web.listen-address=127.0.0.1:{port}",
                "--web.enable-otlp-receiver",
            ],
            stdout=log,
            stderr=log,
        )


def ready(base: str) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(f"{base}/-/ready", timeout=1)
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(base)


def reset_aware(samples: list[list]) -> tuple[float, int]:
    """The sum of the increases of raw samples, and how often the counter began anew."""
    values = [float(value) for _, value in samples]
    total, resets, before = 0.0, 0, 0.0
    for value in values:
        resets += value < before
        total += value if value < before else value - before
        before = value
    return total, resets


def measure(base: str, generations: int, *, zeros: bool) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    environ = {
        **clean,
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": f"{base}/api/v1/otlp/v1/metrics",
        "OTEL_TRACES_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
        "PYTHONPATH": str(ROOT),
    }
    code = GENERATION.format(zeros=zeros)
    for _ in range(generations):
        subprocess.run([sys.executable, "-c", code], env=environ, check=True)
    for name in ("work_done_total", "work_time_seconds_count"):
        series = query(base, f"{name}[1h]")
        increase = query(base, f"sum(increase({name}[1h]))")
        total, resets = zip(*(reset_aware(one["values"]) for one in series), strict=True)
        print(
            f"{name}: {generations} counted, {len(series)} series,"
            f" reset-aware sum {sum(total):g}, {sum(resets)} resets,"
            f" increase() {float(increase[0]['value'][1]):.2f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generations", type=int, default=50)
    generations = parser.parse_args().generations
    build(PROMETHEUS)
    for zeros in (True, False):
        with tempfile.TemporaryDirectory() as directory:
            port = free_port()
            process = start(directory, port)
            try:
                base = f"http://127.0.0.1:{port}"
                ready(base)
                print("with birth zero:" if zeros else "without:")
                measure(base, generations, zeros=zeros)
            finally:
                process.terminate()
                process.wait()


if __name__ == "__main__":
    main()
