"""
Spike: of all the places that could flush, which does each server pass when it is told to end?

The application is loaded as an app with explicit init is: inside the server. While it loads it
puts a probe into every place there is, without any otel-flow; each probe appends a line to a file.
Run it with ``python benchmarks/spikes/sigterm.py [SIGTERM|SIGINT|SIGQUIT]``; the table shows, for
the processes that had loaded the application, the probes in the order in which they fired.
"""

from __future__ import annotations

import collections
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

from pathlib import Path


PROBES = """
import atexit, os, signal, sys, threading
from multiprocessing import util

FILE = os.open(os.environ["PROBES"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

def fire(name):
    os.write(FILE, f"{os.getpid()} {name}\\n".encode())

def on_signal(number, frame):
    fire("handler")
    if callable(before):
        before(number, frame)
    elif before == signal.SIG_DFL:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

def arm(*_):
    fire("loaded")
    atexit.register(fire, "atexit")
    util.Finalize(None, fire, ("finalizer",), exitpriority=0)
    threading._register_atexit(fire, "threading")

arm()
util.register_after_fork(FIRE := type("Key", (), {})(), arm)
if threading.current_thread() is threading.main_thread():
    before = signal.signal(signal.SIGTERM, on_signal)
"""

APP = (
    PROBES
    + """
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                fire("lifespan")
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})

def wsgi(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""
)

JOBS = (
    """
import os
from celery import Celery, signals
"""
    + PROBES
    + """
folder = os.environ["BROKER"]
app = Celery("jobs", broker="filesystem://")
app.conf.broker_transport_options = {"data_folder_in": folder, "data_folder_out": folder}
app.conf.worker_enable_remote_control = False
app.conf.beat_schedule_filename = folder + "/schedule"
signals.worker_process_shutdown.connect(lambda **_: fire("worker_process_shutdown"), weak=False)
signals.worker_shutdown.connect(lambda **_: fire("worker_shutdown"), weak=False)

@app.task(name="work")
def work():
    pass

if "worker" in sys.argv:
    signals.worker_ready.connect(lambda **_: [work.delay() for _ in range(6)], weak=False)
"""
)

SCRIPT = (
    PROBES
    + """
import multiprocessing, time

def work():
    fire("ready")
    time.sleep(60)

if __name__ == "__main__":
    if sys.argv[1] == "plain":
        work()
    else:
        child = multiprocessing.get_context(sys.argv[1]).Process(target=work)
        child.start()
        signal.signal(signal.SIGTERM, lambda *_: child.terminate())
        child.join()
"""
)

BIN = Path(sys.executable).parent
GUNICORN = "gunicorn -b 127.0.0.1:{port} -w 1"
UVICORN_WORKER = "-k uvicorn_worker.UvicornWorker"
SERVERS = {
    "uvicorn": "uvicorn --port {port} served:app",
    "uvicorn --workers 2": "uvicorn --port {port} --workers 2 served:app",
    "uvicorn --reload": "uvicorn --port {port} --reload served:app",
    "gunicorn UvicornWorker": f"{GUNICORN} {UVICORN_WORKER} served:app",
    "gunicorn UvicornWorker --preload": f"{GUNICORN} {UVICORN_WORKER} --preload served:app",
    "gunicorn asgi": f"{GUNICORN} -k asgi served:app",
    "gunicorn gevent": f"{GUNICORN} -k gevent served:wsgi",
    "gunicorn sync": f"{GUNICORN} served:wsgi",
    "gunicorn gthread": f"{GUNICORN} -k gthread served:wsgi",
    "granian": "granian --interface asgi --port {port} served:app",
    "granian --workers 2": "granian --interface asgi --port {port} --workers 2 served:app",
    "hypercorn": "hypercorn -b 127.0.0.1:{port} served:app",
    "hypercorn -w 2": "hypercorn -b 127.0.0.1:{port} -w 2 served:app",
    "celery prefork": "celery -A jobs worker -P prefork -c 2",
    "celery --max-tasks-per-child=1": "celery -A jobs worker -P prefork -c 2 --max-tasks-per-child=1",
    "celery threads": "celery -A jobs worker -P threads -c 2",
    "celery solo": "celery -A jobs worker -P solo",
    "celery gevent": "celery -A jobs worker -P gevent -c 2",
    "celery beat": "celery -A jobs beat",
    "script": "python script.py plain",
    "multiprocessing fork": "python script.py fork",
    "multiprocessing spawn": "python script.py spawn",
    "multiprocessing forkserver": "python script.py forkserver",
}
GIVE_UP = 30.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def run(server: str, number: signal.Signals, folder: Path) -> tuple[int, list[list[str]]]:
    """Return how *server* ended, and what fired in each process that had loaded the app."""
    port = free_port()
    probes = folder / "probes"
    (folder / "broker").mkdir()
    for name, text in (("served", APP), ("jobs", JOBS), ("script", SCRIPT)):
        (folder / f"{name}.py").write_text(text)
    program, *arguments = SERVERS[server].format(port=port).split()
    process = subprocess.Popen(
        [str(BIN / program), *arguments],
        cwd=folder,
        env={
            **os.environ,
            "PROBES": str(probes),
            "BROKER": str(folder / "broker"),
            "PYTHONPATH": ".",
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_until_serving(process, port, probes, http="served:" in SERVERS[server])
        # Ctrl-C reaches the whole group; whoever stops a service signals its first process.
        os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
        status = process.wait(GIVE_UP)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    fired = collections.defaultdict(list)
    for line in probes.read_text().splitlines():
        pid, name = line.split()
        fired[pid].append(name)
    return status, list(fired.values())


def wait_until_serving(
    process: subprocess.Popen[bytes], port: int, probes: Path, *, http: bool
) -> None:
    end = time.monotonic() + GIVE_UP
    while not (probes.exists() and (not http or is_open(port))):
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError("it does not start")
        time.sleep(0.05)
    time.sleep(2)


def main() -> None:
    number = signal.Signals[sys.argv[1] if len(sys.argv) > 1 else "SIGTERM"]
    print(f"| {number.name} to | ends with | fired, process by process |\n|---|---|---|")
    for server in SERVERS:
        with tempfile.TemporaryDirectory() as folder:
            try:
                status, processes = run(server, number, Path(folder))
            except (RuntimeError, subprocess.TimeoutExpired) as error:
                print(f"| {server} | {type(error).__name__} | |", flush=True)
                continue
        kinds = collections.Counter(
            " → ".join(name for name in names if name not in {"loaded", "ready"}) or "nothing"
            for names in processes
        )
        shown = "; ".join(f"{count} x {kind}" for kind, count in kinds.items())
        print(f"| {server} | {status} | {shown} |", flush=True)


if __name__ == "__main__":
    main()
