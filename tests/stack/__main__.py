"""``make stack``: the native stack, until Ctrl-C."""

from __future__ import annotations

import signal
import sys

from tests.stack.launch import Stack


def main() -> int:
    """Start the stack, print what to export and where to look, and wait for Ctrl-C or SIGTERM."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with Stack() as stack:
            sys.stdout.write(
                f"export OTEL_EXPORTER_OTLP_ENDPOINT={stack.otlp_http}\n"
                f"# Prometheus {stack.prometheus}\n"
                f"# Loki       {stack.loki}\n"
                f"# Jaeger     {stack.jaeger}/api/v3 (the native build has no web UI)\n"
            )
            sys.stdout.flush()
            signal.pause()
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
