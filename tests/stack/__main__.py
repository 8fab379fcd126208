"""``make stack``: the native stack, until Ctrl-C."""

from __future__ import annotations

import signal
import sys
import time

from tests.stack.build import BackendMissingError
from tests.stack.launch import NATIVE, Stack


DEFAULT_ENDPOINT = "http://127.0.0.1:4318"
_STOPPING = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})


def main() -> int:
    """Start the stack, print where to send and where to look, and wait for Ctrl-C or SIGTERM."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        stack = Stack(prefer_standard_ports=True)
    except BackendMissingError as error:
        _say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    try:
        return _serve(stack)
    except KeyboardInterrupt:
        return 0
    except (RuntimeError, TimeoutError) as error:
        _say(str(error), *error.__notes__)
        return 1
    finally:
        _say("stopping")
        # A second Ctrl-C would leave servers behind.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        stack.close()


def _serve(stack: Stack) -> int:
    versions = ", ".join(f"{program.name} {program.version}" for program in NATIVE.values())
    _say(f"starting {versions}")
    started = time.monotonic()
    stack.start()
    # From here on they are waited for, not handled: no exception of theirs can be lost in between.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
    _say(f"ready in {time.monotonic() - started:.1f} s; Ctrl-C stops it")
    sys.stdout.write("".join(f"{line}\n" for line in describe(stack)))
    sys.stdout.flush()
    while (name := stack.ended()) is None:
        if signal.sigtimedwait(_STOPPING, 0.5) is not None:
            return 0
    _say(f"{name} has ended:\n{stack.log(name)[-2000:]}")
    return 1


def describe(stack: Stack) -> tuple[str, ...]:
    """Return the lines that say where the servers are, such that a shell can read them."""
    if stack.otlp_http == DEFAULT_ENDPOINT:
        send = f"# {stack.otlp_http} is the default endpoint: nothing to export"
    else:
        send = f"export OTEL_EXPORTER_OTLP_ENDPOINT={stack.otlp_http}"
    no_ui = "this native build has no web UI; the image in docker-compose.yml has it"
    return (
        send,
        f"# Collector  {stack.otlp_http} (gRPC {stack.otlp_grpc})",
        f"# Prometheus {stack.prometheus}",
        f"# Loki       {stack.loki}",
        f"# Jaeger     {stack.jaeger}/api/v3 ({no_ui})",
    )


def _say(*lines: str) -> None:
    sys.stderr.write("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    sys.exit(main())
