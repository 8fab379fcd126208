"""The id of the container that this process runs in, as Linux shows it."""

from __future__ import annotations

import pathlib
import re

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Iterator


_SELF = pathlib.Path("/proc/self")

_ID = r"[0-9a-f]{64}"
_CGROUP_END = re.compile(rf"(?:^|[/:-])({_ID}|[0-9a-f]{{32}}-[0-9]{{8,}})(?:\.scope)?$")
"""The last part of a control group's path: 64 hexadecimal digits, on ECS a task and a number."""

_MOUNTED_FILE = re.compile(rf"/({_ID})/(?:\w+/)?(?:hostname|resolv\.conf)$")
"""A file that the engine mounts from the container's own folder."""


def container_id(process: pathlib.Path = _SELF) -> str | None:
    """
    Return the container's id, None outside of one; *process* is the folder in ``/proc``.

    Control groups of version 1 name it in their path. Under version 2 the path is
    usually ``/``: there the files that the engine mounts over ``/etc`` tell.
    """
    in_cgroups = (_CGROUP_END.search(line) for line in _lines(process / "cgroup"))
    in_mounts = (_MOUNTED_FILE.search(root) for root in _mounted(process / "mountinfo"))
    for found in (*in_cgroups, *in_mounts):
        if found:
            return found[1]
    return None


def _mounted(path: pathlib.Path) -> Iterator[str]:
    """Yield the sources of bind mounts; a pod's sandbox is not the container."""
    for line in _lines(path):
        fields = line.split(" ")
        if len(fields) > 4 and fields[4].startswith("/etc/") and "/sandboxes/" not in fields[3]:  # noqa: PLR2004 - root and mount point, proc_pid_mountinfo(5)
            yield fields[3]


def _lines(path: pathlib.Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:
        return []
