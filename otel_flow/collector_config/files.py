"""The files that run beside the services, as the wheel carries them."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Mapping


_PACKAGE = Path(__file__).resolve().parent.parent
_COMPOSE = "docker-compose.yml"
_FOLDER = "collector"


def packaged_files() -> dict[PurePosixPath, Path]:
    """Return where each file stands, by the path it is written to below a user's directory."""
    installed = _PACKAGE / "collector_files"
    if installed.is_dir():
        compose, folder = installed / _COMPOSE, installed
    else:  # an editable installation: the files are the repository's
        compose, folder = _PACKAGE.parent / _COMPOSE, _PACKAGE.parent / _FOLDER
    found = {PurePosixPath(_COMPOSE): compose}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path != compose:
            found[PurePosixPath(_FOLDER, *path.relative_to(folder).parts)] = path
    return found


def base_file() -> Path:
    """Return the packaged configuration of the Collector."""
    return packaged_files()[PurePosixPath(_FOLDER, "otelcol", "base.yaml")]


def write_files(
    directory: Path, files: Mapping[PurePosixPath, Path], *, force: bool = False
) -> list[Path]:
    """
    Write *files* below *directory* and return the paths of those that were not there before.

    A file that is there with the same content is left alone.

    Raises:
        FileExistsError: A file has other content and *force* is false; its ``args`` are
            the paths of all of them, and nothing was written.
    """
    contents = {directory / name: source.read_bytes() for name, source in files.items()}
    changed = {path: new for path, new in contents.items() if _current(path) != new}
    if differing := [path for path in changed if path.exists() and not force]:
        raise FileExistsError(*differing)
    for path, content in changed.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return list(changed)


def _current(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
