"""``/metrics`` on a port of its own."""

from __future__ import annotations

import logging
import os
import threading

from typing import TYPE_CHECKING
from wsgiref.simple_server import make_server

from prometheus_client.exposition import ThreadingWSGIServer, _SilentHandler

from otel_flow.process.fork import on_fork
from otel_flow.prometheus.endpoint import wsgi_app


if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_flow.telemetry import Telemetry


logger = logging.getLogger("otel_flow.prometheus")


def serve(telemetry: Telemetry, *, host: str | None = None, port: int | None = None) -> int | None:
    """
    Answer scrapes of *telemetry* on a thread until it shuts down; return the port.

    *host* and *port* are OTEL_EXPORTER_PROMETHEUS_HOST and OTEL_EXPORTER_PROMETHEUS_PORT by
    default; port 0 takes a free one. A port that is taken, as by another worker of the same
    service, is said in one log line and None is returned: the application runs on.
    """
    settings = telemetry.settings
    host = settings.prometheus_host if host is None else host
    port = settings.prometheus_port if port is None else port
    try:
        server = make_server(host, port, wsgi_app(telemetry), _Server, handler_class=_SilentHandler)
    except OSError as error:
        logger.error(  # noqa: TRY400 - one line, no traceback
            "Prometheus cannot scrape this process on %s:%d: %s. With several workers send OTLP "
            "to the Collector, which Prometheus scrapes for all of them.",
            host,
            port,
            error.strerror or error,
        )
        return None
    thread = threading.Thread(target=server.serve_forever, name="otel-flow-scrape", daemon=True)
    thread.start()
    # A child has no thread that would answer on the copy of the socket.
    undo_fork = on_fork(child=server.socket.close)
    telemetry.at_shutdown(_stop(server, thread, undo_fork))
    return int(server.server_port)


class _Server(ThreadingWSGIServer):
    """Its threads do not keep the process."""

    daemon_threads = True


def _stop(
    server: _Server, thread: threading.Thread, undo_fork: Callable[[], None]
) -> Callable[[], None]:
    born = os.getpid()

    def stop() -> None:
        undo_fork()
        if os.getpid() != born:
            # Nobody there would answer: `shutdown` waits until its thread has seen it.
            return
        server.shutdown()
        server.server_close()
        thread.join(1)

    return stop
