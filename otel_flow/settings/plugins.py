"""Names that stand for code: ours, the SDK's, or an entry point of an installed package."""

from __future__ import annotations

import dataclasses

from importlib.metadata import entry_points

from otel_flow.errors import MissingDependencyError
from otel_flow.names import environment
from otel_flow.settings.kinds import Rejected, WordsOrNone


PROPAGATOR_PACKAGES = {
    "b3": "opentelemetry-propagator-b3",
    "b3multi": "opentelemetry-propagator-b3",
    "jaeger": "opentelemetry-propagator-jaeger",
    "xray": "opentelemetry-propagator-aws-xray",
    "ottrace": "opentelemetry-propagator-ot-trace",
}
"""Propagators of the specification that are packages of their own."""

_EXPORTERS = ("otlp", "console", "none")

_REFUSED_EXPORTERS = {
    "zipkin": "otlp, console or none: the Zipkin exporter is not supported, send OTLP",
    "jaeger": "otlp, console or none: Jaeger takes OTLP on ports 4317 and 4318",
    "logging": "otlp, console or none: `logging` is the obsolete name of `console`",
    "otlp/stdout": "otlp, console or none: OTLP on standard output is not supported",
}

SAMPLERS = (
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
)
"""The samplers of the specification that every SDK has."""

_REMOTE_SAMPLERS = {"jaeger_remote", "parentbased_jaeger_remote", "xray"}


@dataclasses.dataclass(frozen=True, slots=True)
class Plugin:
    """One name: built in, or an entry point of *group*."""

    group: str
    builtin: tuple[str, ...] = ()

    def __call__(self, name: str) -> str:
        """Return *name* as the built-in one spells it, or reject it and list the known ones."""
        if name.lower() in self.builtin:
            return name.lower()
        if entry_points(group=self.group, name=name):
            return name
        raise Rejected(f"one of {', '.join(self._known())}")

    def _known(self) -> list[str]:
        others = entry_points(group=self.group).names - {*self.builtin, *_REFUSED_EXPORTERS}
        return [*self.builtin, *sorted(others)]


@dataclasses.dataclass(frozen=True, slots=True)
class Exporter(Plugin):
    """One exporter of a signal."""

    builtin: tuple[str, ...] = _EXPORTERS

    def __call__(self, name: str) -> str:
        """Return *name*, or reject it, with the reason where the specification knows it."""
        if reason := _REFUSED_EXPORTERS.get(name.lower()):
            raise Rejected(reason)
        return Plugin.__call__(self, name)


def exporters(group: str) -> WordsOrNone:
    """Return the kind of the exporters of one signal, whose entry points are in *group*."""
    if group == environment.METRICS_EXPORTER_GROUP:
        return WordsOrNone(each=Exporter(group, (*_EXPORTERS[:-1], "prometheus", "none")))
    return WordsOrNone(each=Exporter(group))


def propagator(name: str) -> str:
    """Return *name*, or reject it with the command that installs its package."""
    known = Plugin(environment.PROPAGATOR_GROUP, ("tracecontext", "baggage", "none"))
    package = PROPAGATOR_PACKAGES.get(name.lower())
    if package is None:
        return known(name)
    if not entry_points(group=environment.PROPAGATOR_GROUP, name=name.lower()):
        missing = MissingDependencyError(f"the propagator {name.lower()}", package)
        raise Rejected(f"an installed propagator: {missing}")
    return name.lower()


def sampler(name: str) -> str:
    """Return *name*, or reject it; remote samplers need a plugin."""
    try:
        return Plugin(environment.SAMPLER_GROUP, SAMPLERS)(name)
    except Rejected as rejected:
        if name.lower() not in _REMOTE_SAMPLERS:
            raise
        raise Rejected(f"{rejected}; no plugin for {name} is installed") from None


def detector(name: str) -> str:
    """Return the name of a resource detector, or reject it; ``otel`` is always there."""
    if name == "*":
        return name
    return Plugin(environment.RESOURCE_DETECTOR_GROUP, ("otel",))(name)
