"""What is wrong with a Collector's configuration: by the Collector itself, else by its structure."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess

from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from otel_flow.collector_config.document import Document


BINARIES = ("otelcol-flow", "otelcol-contrib", "otelcol")
"""Names of Collectors that have ``validate``, the best first."""

SECTIONS = ("receivers", "processors", "exporters", "connectors", "extensions")
SIGNALS = ("traces", "metrics", "logs", "profiles")
_SECONDS = 60


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong, or doubtful if *is_warning*, and where."""

    where: str
    what: str
    is_warning: bool = False

    def __str__(self) -> str:
        return f"{'warning' if self.is_warning else 'error'}: {self.where}: {self.what}"


def find_binary() -> str | None:
    """Return the path of a Collector on ``PATH``."""
    return next(filter(None, map(shutil.which, BINARIES)), None)


def validate_with(binary: str, files: Sequence[Path]) -> list[Finding]:
    """Return what the Collector *binary* says about *files*; raises `OSError` if it does not run."""
    command = [binary, "validate", *(f"--config={path}" for path in files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)
    text = " ".join(f"{done.stdout}\n{done.stderr}".split()).removeprefix("Error: ")
    if done.returncode == 0 and not text:
        return []
    where = ", ".join(map(str, files))
    return [Finding(where=where, what=text, is_warning=done.returncode == 0)]


def verify(document: Document) -> list[Finding]:
    """
    Return what is wrong with the structure of *document*.

    Every component that is named is defined, every pipeline has both ends, connectors
    join two pipelines. Whether a component knows its options only a Collector can say.
    """
    sections = {name: _map(document.get(name)) for name in SECTIONS}
    service = _map(document.get("service"))
    pipelines = {name: _map(body) for name, body in _map(service.get("pipelines")).items()}
    findings = [
        Finding(where=name, what=f"not a section; expected {', '.join(SECTIONS)} or service")
        for name in document
        if name not in {*SECTIONS, "service"}
    ]
    if not pipelines:
        findings.append(Finding(where="service.pipelines", what="no pipeline"))
    for name, pipeline in pipelines.items():
        findings += _of_pipeline(name, pipeline, sections)
    findings += _of_connectors(pipelines, sections["connectors"])
    findings += _of_extensions(service, sections)
    findings += _unused(service, pipelines, sections)
    return findings


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _names(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


def _of_pipeline(
    name: str, pipeline: dict[str, Any], sections: dict[str, dict[str, Any]]
) -> Iterator[Finding]:
    where = f"service.pipelines.{name}"
    if name.partition("/")[0] not in SIGNALS:
        yield Finding(where=where, what=f"not a signal; expected {', '.join(SIGNALS)}")
    for role in ("receivers", "processors", "exporters"):
        named = _names(pipeline.get(role))
        known = sections[role].keys() | (sections["connectors"] if role != "processors" else {})
        if not named and role != "processors":
            yield Finding(where=where, what=f"no {role}")
        for component in named:
            if component not in known:
                yield Finding(where=f"{where}.{role}", what=f"{component} is not defined")
    yield from _of_order(where, _names(pipeline.get("processors")))


def _of_order(where: str, processors: list[str]) -> Iterator[Finding]:
    limiters = [each for each in processors if each.partition("/")[0] == "memory_limiter"]
    if not limiters:
        yield Finding(where=where, what="no memory_limiter", is_warning=True)
    elif processors[0] not in limiters:
        what = f"{limiters[0]} is not first: what stands before it takes memory unlimited"
        yield Finding(where=f"{where}.processors", what=what, is_warning=True)


def _of_connectors(
    pipelines: dict[str, dict[str, Any]], connectors: Iterable[str]
) -> Iterator[Finding]:
    for connector in connectors:
        ends = {
            role: any(connector in _names(each.get(role)) for each in pipelines.values())
            for role in ("receivers", "exporters")
        }
        if len(set(ends.values())) > 1:
            missing = (
                "no pipeline sends to it" if ends["receivers"] else "no pipeline reads from it"
            )
            yield Finding(where=f"connectors.{connector}", what=missing)


def _of_extensions(
    service: dict[str, Any], sections: dict[str, dict[str, Any]]
) -> Iterator[Finding]:
    enabled = _names(service.get("extensions"))
    for name in enabled:
        if name not in sections["extensions"]:
            yield Finding(where="service.extensions", what=f"{name} is not defined")
    for exporter, body in sections["exporters"].items():
        storage = _map(_map(body).get("sending_queue")).get("storage")
        if storage is not None and storage not in enabled:
            where = f"exporters.{exporter}.sending_queue.storage"
            yield Finding(where=where, what=f"{storage} is not in service.extensions")


def _unused(
    service: dict[str, Any],
    pipelines: dict[str, dict[str, Any]],
    sections: dict[str, dict[str, Any]],
) -> Iterator[Finding]:
    used = set(_names(service.get("extensions")))
    for pipeline in pipelines.values():
        for role in ("receivers", "processors", "exporters"):
            used |= set(_names(pipeline.get(role)))
    for section in SECTIONS:
        for component in sections[section]:
            if component not in used:
                where = f"{section}.{component}"
                yield Finding(where=where, what="defined, but not used", is_warning=True)
