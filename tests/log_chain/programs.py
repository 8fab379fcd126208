"""Programs that log, run to their end, and what arrived of them: lines, records, stderr."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import textwrap

from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from pathlib import Path

    from tests.receiver import Receiver


OURS = "import otel_flow; telemetry = otel_flow.configure(service_name='shop', log_format='json')"


@dataclasses.dataclass
class Outcome:
    """What a program wrote, and what was received of it."""

    stdout: str
    stderr: str
    code: int
    receiver: Receiver

    def lines(self) -> list[dict[str, Any]]:
        """The lines of stdout that are JSON."""
        return [json.loads(line) for line in self.stdout.splitlines() if line.startswith("{")]

    def line(self, event: str) -> dict[str, Any]:
        """The one line of *event*."""
        (found,) = [line for line in self.lines() if line["event"] == event]
        return found

    def bodies(self) -> list[str]:
        """The texts of the records, sorted: a request groups them by logger."""
        return sorted(record.body.string_value for record in self.receiver.records())

    def record(self, body: str) -> Any:
        """The one record of *body*."""
        (found,) = [r for r in self.receiver.records() if r.body.string_value == body]
        return found

    def attributes(self, body: str) -> dict[str, Any]:
        """The attributes of the one record of *body* as plain values."""
        return {pair.key: value_of(pair.value) for pair in self.record(body).attributes}

    def scopes(self) -> set[str]:
        """The names of the scopes of records."""
        return {
            scope.scope.name
            for request in self.receiver.requests
            for group in getattr(request, "resource_logs", ())
            for scope in group.scope_logs
        }


def value_of(value: Any) -> Any:
    """What an ``AnyValue`` holds, plain."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [value_of(inner) for inner in value.array_value.values]
    if kind == "kvlist_value":
        return {pair.key: value_of(pair.value) for pair in value.kvlist_value.values}
    return None if kind is None else getattr(value, kind)


def run(
    receiver: Receiver,
    *parts: str,
    python: str | Path = sys.executable,
    cwd: Path | None = None,
    **environ: str,
) -> Outcome:
    """Run the program that *parts* make, one after the other."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    done = subprocess.run(
        [str(python), "-W", "default", "-c", "\n".join(map(textwrap.dedent, parts))],
        env={**clean, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint, **environ},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=cwd,
    )
    return Outcome(done.stdout, done.stderr, done.returncode, receiver)
