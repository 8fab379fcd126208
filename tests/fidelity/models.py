"""The servers, workers and programs whose telemetry is counted."""

from __future__ import annotations

import dataclasses
import signal

from typing import Literal


@dataclasses.dataclass(frozen=True, kw_only=True)
class Model:
    """How a server is started, and how it ends."""

    name: str
    command: str
    """With ``{port}`` and ``{folder}``, which holds what a reloader watches."""
    kind: Literal["asgi", "wsgi", "celery", "beat"] = "asgi"
    status: int = 0
    """The exit status after SIGTERM, as it is without telemetry."""
    interrupted: int | None = 0
    """The exit status after SIGINT; None where the server dies of it without a graceful stop."""
    quick: bool = False
    """Whether SIGINT makes it leave while its greenlets still answer requests."""
    forks: bool = True
    """Whether its requests may fork; a child of gevent goes on with all the parent's greenlets."""
    recycle: str | signal.Signals | None = None
    """Arguments by which workers are replaced after some work, or the signal that does it."""
    reload: signal.Signals | None = None
    grace: str = ""
    """Arguments by which it waits for requests for a second only, and then cancels them."""
    cold: bool = False
    """Whether SIGQUIT ends it without waiting for its work, with a status that depends on that."""
    workers: int = 1
    """How many processes serve at a time."""
    requirements: tuple[str, ...] = ()
    """What it needs beside the environment of the tests; it is run as a module then."""

    def __str__(self) -> str:
        return self.name


_GUNICORN = "gunicorn -b 127.0.0.1:{port} --graceful-timeout 20"
_CELERY = "celery -A jobs worker --loglevel INFO --without-gossip --without-mingle"
_FEW = "--max-requests 20"

SERVERS = (
    Model(
        name="uvicorn",
        command="uvicorn --port {port} web:app",
        status=-signal.SIGTERM,
        recycle="--limit-max-requests 80",
        grace="--timeout-graceful-shutdown 1",
    ),
    Model(
        name="uvicorn --workers 4",
        command="uvicorn --port {port} --workers 4 --timeout-worker-healthcheck 20 web:app",
        workers=4,
        recycle="--limit-max-requests 20",
        reload=signal.SIGHUP,
    ),
    Model(
        name="uvicorn --reload",
        command="uvicorn --port {port} --reload --reload-dir {folder} web:app",
        recycle="touch",
    ),
    Model(
        name="gunicorn UvicornWorker",
        command=f"{_GUNICORN} -w 2 -k uvicorn_worker.UvicornWorker web:app",
        workers=2,
        recycle=_FEW,
        reload=signal.SIGHUP,
    ),
    Model(
        name="gunicorn UvicornWorker --preload",
        command=f"{_GUNICORN} -w 2 -k uvicorn_worker.UvicornWorker --preload web:app",
        workers=2,
        recycle=_FEW,
    ),
    Model(
        name="gunicorn asgi",
        command=f"{_GUNICORN} -w 2 -k asgi web:app",
        workers=2,
        recycle=_FEW,
        reload=signal.SIGHUP,
    ),
    Model(
        name="gunicorn gevent",
        command=f"{_GUNICORN} -w 2 -k gevent web:wsgi",
        workers=2,
        quick=True,
        forks=False,
        kind="wsgi",
        recycle=_FEW,
        reload=signal.SIGHUP,
    ),
    Model(
        name="gunicorn gthread --preload",
        command=f"{_GUNICORN} -w 2 -k gthread --threads 4 --preload web:wsgi",
        workers=2,
        kind="wsgi",
        recycle=_FEW,
    ),
    Model(
        name="granian",
        command="granian --interface asgi --port {port} --workers 2 web:app",
        workers=2,
        recycle=signal.SIGHUP,
        reload=signal.SIGHUP,
    ),
    Model(
        name="hypercorn",
        command="hypercorn -b 127.0.0.1:{port} -w 2 web:app",
        workers=2,
        grace="--graceful-timeout 1",
        recycle=_FEW,
    ),
)

WORKERS = (
    Model(
        name="celery prefork",
        command=f"{_CELERY} -P prefork -c 2",
        workers=2,
        kind="celery",
        interrupted=1,
        cold=True,
        recycle="--max-tasks-per-child=1",
        reload=signal.SIGHUP,
    ),
    Model(
        name="celery threads",
        command=f"{_CELERY} -P threads -c 2",
        kind="celery",
        interrupted=1,
        cold=True,
    ),
    Model(
        name="celery solo", command=f"{_CELERY} -P solo", kind="celery", interrupted=1, cold=True
    ),
    Model(
        name="celery gevent",
        command=f"{_CELERY} -P gevent -c 4",
        kind="celery",
        interrupted=1,
        cold=True,
    ),
    Model(
        name="celery eventlet",
        command=f"{_CELERY} -P eventlet -c 4",
        kind="celery",
        interrupted=1,
        cold=True,
        # Deprecated by its authors, and in the lock of no service of ours.
        requirements=("eventlet==0.41.3",),
    ),
    Model(name="celery beat", command="celery -A jobs beat --loglevel INFO", kind="beat"),
)
