"""
Read ``docker-compose.yml``, and turn a service of it into a native command line.

The image becomes the binary that the tests build, a mounted path the path it is
mounted from, and an address of the compose network one on loopback. Everything
else stays what the file says, so what runs natively is what runs in containers.
"""

from __future__ import annotations

import dataclasses
import re

from typing import TYPE_CHECKING, Any

import yaml

from tests.stack.build import ROOT


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


COMPOSE = ROOT / "docker-compose.yml"

_VARIABLE = re.compile(r"\$(?:\$|\{(\w+)(?::-([^}]*))?\})")
_ADDRESS = re.compile(r"(?<![\w.-])([a-z0-9.-]+):(\d{2,5})(?!\d)")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What the compose file says about one service, as far as a native run needs it."""

    name: str
    image: str
    """Empty for a service that is built."""
    command: tuple[str, ...]
    environment: dict[str, str]
    mounts: tuple[tuple[str, str], ...]
    """Source (a path of the repository or the name of a volume) and target."""
    profiles: tuple[str, ...]

    @property
    def repository(self) -> str:
        """The image without its tag."""
        return self.image.partition(":")[0]

    @property
    def version(self) -> str:
        """The image's tag as a version number."""
        return self.image.partition(":")[2].removeprefix("v")


def load(environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the parsed compose file, variables filled from *environ*."""
    known = environ or {}

    def fill(match: re.Match[str]) -> str:
        name, default = match.groups()
        return "$" if name is None else known.get(name) or default or ""

    document: dict[str, Any] = yaml.safe_load(_VARIABLE.sub(fill, COMPOSE.read_text()))
    return document


def services() -> dict[str, Service]:
    """Return every service by its name."""
    return {name: _service(name, body) for name, body in load()["services"].items()}


def _service(name: str, body: dict[str, Any]) -> Service:
    return Service(
        name=name,
        image=body.get("image", ""),
        command=tuple(map(str, body.get("command", ()))),
        environment={key: str(value) for key, value in body.get("environment", {}).items()},
        mounts=tuple(_mount(each) for each in body.get("volumes", ())),
        profiles=tuple(body.get("profiles", ())),
    )


def _mount(text: str) -> tuple[str, str]:
    source, target, *_mode = text.split(":")
    return source, target


@dataclasses.dataclass(frozen=True, slots=True)
class Loopback:
    """Translates a service's texts from the compose network to this machine."""

    hosts: frozenset[str]
    """The names of the services."""
    port: Callable[[str, int], int]
    """The local port for the port of a service."""
    directory: Callable[[str, str], Path]
    """The local path for what a service mounts: the name of the service, the source."""

    def command(self, service: Service) -> list[str]:
        """Return the arguments of *service*."""
        return [self._text(service, argument) for argument in service.command]

    def environment(self, service: Service) -> dict[str, str]:
        """Return the environment of *service*; a variable named ``…_PORT`` holds a port."""
        return {
            name: str(self.port(service.name, int(value)))
            if name.endswith("_PORT")
            else self._text(service, value)
            for name, value in service.environment.items()
        }

    def addresses(self, service_name: str, text: str) -> str:
        """Return *text* of a service with every address of the network on loopback."""

        def local(match: re.Match[str]) -> str:
            host, port = match[1], int(match[2])
            if host in self.hosts:
                return f"127.0.0.1:{self.port(host, port)}"
            if host in {"0.0.0.0", "127.0.0.1"}:
                return f"127.0.0.1:{self.port(service_name, port)}"
            return match[0]

        return _ADDRESS.sub(local, text).replace("0.0.0.0", "127.0.0.1")

    def _text(self, service: Service, text: str) -> str:
        sources = {target: source for source, target in service.mounts}
        if sources:
            # All at once: a path that was put in is not to be looked at again.
            targets = "|".join(sorted(map(re.escape, sources), key=len, reverse=True))
            text = re.sub(
                rf"(?<![\w/.-])({targets})(?=/|$)",
                lambda match: str(self.directory(service.name, sources[match[1]])),
                text,
            )
        return self.addresses(service.name, text)
