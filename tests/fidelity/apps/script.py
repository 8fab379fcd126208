"""Programs that do units of work and end as programs end."""

import dataclasses
import itertools
import json
import multiprocessing
import os
import pathlib
import sys
import threading
import time

import structlog

from opentelemetry import trace
from unit import configured, unit


UNITS = 100
CHILDREN = 4

telemetry = configured()


def some(first: int) -> None:
    for number in range(first, first + UNITS):
        unit(number)


def plain() -> None:
    some(0)


def loop() -> None:
    for number in itertools.count():
        unit(number)
        time.sleep(0.002)


def os_exit() -> None:
    some(0)
    (telemetry or _running()).shutdown()
    os._exit(0)


def serverless() -> None:
    """Say after each invocation that it is over: whoever reads it may freeze or kill us."""
    for number in itertools.count():
        unit(number)
        assert (telemetry or _running()).force_flush()
        print("invoked", flush=True)
        sys.stdin.readline()


def processes(method: str) -> None:
    context = multiprocessing.get_context(method)
    children = [context.Process(target=some, args=(n * UNITS,)) for n in range(CHILDREN)]
    for child in children:
        child.start()
    for child in children:
        child.join()
        assert child.exitcode == 0


def loops(method: str) -> None:
    """Work in children until they are terminated."""
    context = multiprocessing.get_context(method)
    child = context.Process(target=loop)
    child.start()
    sys.stdin.readline()
    child.terminate()
    child.join()
    sys.exit(child.exitcode)


def pool(method: str) -> None:
    each = 5 if method == "fork" else 50
    with multiprocessing.get_context(method).Pool(2, maxtasksperchild=each) as workers:
        workers.map(unit, range(UNITS), chunksize=1)
        workers.close()
        workers.join()


def fork() -> None:
    """Fork again and again while exports are under way; each child leaves by sys.exit."""
    for number in range(50):
        some(number * 1000)
        if os.fork() == 0:
            unit(number * 1000 + 999)
            sys.exit()
    for _ in range(50):
        os.wait()


def storm(rate: str) -> None:
    """Work at a steady rate until told to stop; then say what became of everything, in JSON."""
    told = threading.Thread(target=sys.stdin.readline, daemon=True)
    told.start()
    text = "x" * 4000
    memory = {"start": 0, "most": 0}
    log = structlog.get_logger("storm")
    for number in itertools.count():
        with trace.get_tracer("storm").start_as_current_span("storm", attributes={"text": text}):
            log.info("storm", storm=number)
        if number % 50 == 0:
            resident = int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * 4096
            # By then everything is loaded, and has been used once.
            memory["start"] = memory["start"] or (resident if number >= 2000 else 0)
            memory["most"] = max(memory["most"], resident)
        if not told.is_alive():
            break
        time.sleep(1 / int(rate))
    telemetry.shutdown(60)
    numbers = telemetry.pipeline.accounting()
    accounting = {signal: dataclasses.asdict(each) for signal, each in numbers.items()}
    print(json.dumps({"accounting": accounting, "memory": memory}), file=sys.stderr, flush=True)


def _running() -> object:
    from otel_flow.telemetry import current

    return current()


if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    globals()[name](*arguments)
