"""Distributions made on the spot, installed for one test as pip would."""

from __future__ import annotations

import textwrap

from typing import TYPE_CHECKING


if TYPE_CHECKING:
    import pathlib


def install(
    folder: pathlib.Path,
    name: str,
    *,
    version: str = "1.2.3",
    modules: dict[str, str] | None = None,
    entry_points: str = "",
    direct_url: str = "",
) -> None:
    """
    Write a distribution into *folder*, which must be on ``sys.path``.

    *modules* maps file names to source; *entry_points* and *direct_url* are the
    texts of those files.
    """
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    if entry_points:
        (info / "entry_points.txt").write_text(textwrap.dedent(entry_points))
    if direct_url:
        (info / "direct_url.json").write_text(direct_url)
    for file, source in (modules or {}).items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source))
    record = "".join(f"{file},,\n" for file in (*(modules or {}), f"{info.name}/METADATA"))
    (info / "RECORD").write_text(record)
