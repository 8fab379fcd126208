"""Attributes of process and host that the interpreter knows without asking anyone."""

from __future__ import annotations

import os
import pathlib
import platform
import socket
import sys


_ARCHITECTURES = {
    "x86_64": "amd64",
    "AMD64": "amd64",
    "aarch64": "arm64",
    "armv7l": "arm32",
    "i686": "x86",
    "i386": "x86",
    "ppc64le": "ppc64",
}
"""``platform.machine()`` → ``host.arch`` of the semantic conventions, where they differ."""

_SYSTEMS = {"sunos": "solaris"}


def process_attributes() -> dict[str, str | int]:
    """
    Return the attributes of this process.

    The command line is left out: people pass secrets on it.
    """
    return {
        "process.pid": os.getpid(),
        "process.executable.name": pathlib.Path(sys.executable or "python").name,
        "process.runtime.name": sys.implementation.name,
        "process.runtime.version": platform.python_version(),
        "process.runtime.description": sys.version.replace("\n", " "),
    }


def host_attributes() -> dict[str, str]:
    """Return the attributes of the host and its operating system."""
    machine = platform.machine()
    system = platform.system().lower()
    attributes = {
        "host.name": socket.gethostname(),
        "host.arch": _ARCHITECTURES.get(machine, machine),
        "os.type": _SYSTEMS.get(system, system),
        "os.version": platform.release(),
    }
    return {name: value for name, value in attributes.items() if value}
