"""What figures depend on: the processor, the kernel, the interpreter and the versions of libraries."""

import importlib.metadata
import os
import pathlib
import platform


LIBRARIES = (
    "opentelemetry-sdk",
    "structlog",
    "fastapi",
    "starlette",
    "sqlalchemy",
    "redis",
    "orjson",
)


def machine():
    """Return it by name; no names of hosts and no paths, so that it can be published."""
    return {
        "processor": processor(),
        "processors": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        # Without what a distribution or a provider adds.
        "kernel": platform.release().partition("-")[0],
        "libc": " ".join(platform.libc_ver()),
        "python": platform.python_version(),
        "compiler": platform.python_compiler(),
        **{name: version(name) for name in LIBRARIES},
    }


def processor():
    """Return the model of the processor."""
    information = pathlib.Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def version(distribution):
    """Return the version that is installed, None where there is none."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None
