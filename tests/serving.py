"""An application of a test behind the command of a real web server."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys

from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers import free_port, is_open
from tests.waiting import wait_until


if TYPE_CHECKING:
    from collections.abc import Iterator


SECONDS = 60
BIN = Path(sys.executable).parent


@contextlib.contextmanager
def behind(
    command: str,
    folder: Path,
    source: str,
    *,
    app: str = "app",
    wrapped: bool = True,
    **environ: str,
) -> Iterator[int]:
    """
    The port of *app* of *source* behind the server of *command*, which ends with the block.

    What it writes is in ``output`` of *folder*.
    """
    (folder / "served.py").write_text(source)
    port = free_port()
    name, *arguments = command.format(port=port).split()
    with (
        (folder / "output").open("wb") as output,
        subprocess.Popen(
            [
                *([BIN / "otel-flow", "run", "--"] if wrapped else []),
                *(BIN / name, *arguments, f"served:{app}"),
            ],
            stdout=output,
            stderr=output,
            cwd=folder,
            env={
                "PATH": f"{BIN}:{os.environ['PATH']}",
                "PYTHONPATH": str(folder),
                "PYTHONWARNINGS": "ignore",
                "PYTHONUNBUFFERED": "1",
                "OTEL_FLOW_LOG_FORMAT": "json",
                **environ,
            },
        ) as process,
    ):
        try:
            wait_until(lambda: is_open(port) or process.poll() is not None, command)
            yield port
        finally:
            process.terminate()
            process.wait(SECONDS)
