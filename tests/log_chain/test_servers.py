"""What servers say of themselves passes the chain: one event, one line, one record."""

import contextlib
import json
import os

import httpx
import pytest

from tests.log_chain import programs
from tests.log_chain.programs import OURS
from tests.receiver import Receiver
from tests.serving import SECONDS, behind
from tests.waiting import wait_until


APP = """
import os

if "EXPLICIT" in os.environ:
    import otel_flow

    otel_flow.configure(service_name="shop").instrument()

from fastapi import FastAPI

app = FastAPI()

@app.get("/items")
async def items():
    return []
"""

WORKER = "-k uvicorn_worker.UvicornWorker"
GUNICORN = "gunicorn --bind 127.0.0.1:{port} --no-control-socket"
SERVERS = {
    "uvicorn": "uvicorn --port {port}",
    "hypercorn": "hypercorn --bind 127.0.0.1:{port}",
    "granian": "granian --interface asgi --port {port}",
    "gunicorn asgi": f"{GUNICORN} -k asgi",
    "gunicorn asgi --preload": f"{GUNICORN} -k asgi --preload",
    "gunicorn UvicornWorker": f"{GUNICORN} {WORKER}",
    "gunicorn UvicornWorker --preload": f"{GUNICORN} {WORKER} --preload",
}
ESSENTIAL = {
    ("gunicorn UvicornWorker", "wrapper"),
    ("gunicorn asgi --preload", "explicit"),
    ("hypercorn", "explicit"),
}

SAID = {
    "uvicorn": {"Started server process", "Uvicorn running on", "Finished server process"},
    "hypercorn": {"Running on"},
    "granian": {"Listening at"},
}
BY_PARENT = {"Starting gunicorn", "Listening at", "Booting worker", "Shutting down: Master"}
BY_WORKER = {
    "asgi": {"ASGI server listening", "Worker exiting"},
    "UvicornWorker": {"Started server process", "Finished server process"},
}


class Served:
    """What a server wrote, and what arrived of it."""

    def __init__(self, folder, receiver):
        self.output = (folder / "output").read_text().splitlines()
        self.lines = [json.loads(line) for line in self.output if line.startswith("{")]
        self.records = [record.body.string_value for record in receiver.records()]


@contextlib.contextmanager
def serving(command, folder, receiver, *, wrapped=True):
    """A client of the application behind the server of *command*, which ends with the block."""
    service = {"OTEL_SERVICE_NAME": "shop", "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint}
    explicit = {} if wrapped else {"EXPLICIT": "1"}
    with (
        behind(command, folder, APP, wrapped=wrapped, **service, **explicit) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=SECONDS) as client,
    ):
        yield client


def run(command, folder, *, wrapped=True):
    """What *command* has written after one request."""
    receiver = Receiver()
    try:
        with serving(command, folder, receiver, wrapped=wrapped) as client:
            assert client.get("/items").status_code == 200
    finally:
        receiver.stop()
    return Served(folder, receiver)


def said_by(server, init):
    """What is told through the chain: not what a parent says that never loads the application."""
    name, *rest = server.split()
    alone = init == "explicit" and "--preload" not in rest
    if name == "gunicorn":
        return BY_WORKER[rest[0]] | (set() if alone else BY_PARENT)
    return set() if alone and name == "granian" else SAID[name]


def cells():
    for server in SERVERS:
        for init in ("wrapper", "explicit"):
            essential = (server, init) in ESSENTIAL
            marks = () if essential else pytest.mark.fidelity
            yield pytest.param(server, init, id=f"{server} {init}", marks=marks)


@pytest.mark.parametrize(("server", "init"), list(cells()))
def test_what_a_server_says_is_one_line_and_one_record(server, init, tmp_path):
    """Starting and stopping, in the parent and in workers, is told once, in the form of the chain."""
    served = run(SERVERS[server], tmp_path, wrapped=init == "wrapper")

    for beginning in said_by(server, init):
        (record,) = [body for body in served.records if body.startswith(beginning)]
        (line,) = [line for line in served.output if beginning in line]
        assert json.loads(line)["event"] == record
    assert len(served.records) == len(served.lines)


@pytest.mark.parametrize(
    "server",
    ["gunicorn asgi", pytest.param("gunicorn UvicornWorker", marks=pytest.mark.fidelity)],
)
def test_files_that_gunicorn_was_given_are_written(server, tmp_path):
    """``--access-logfile`` and ``--error-logfile`` get what they always got, and stdout our line of a request."""
    files = " --access-logfile access.log --error-logfile error.log"
    served = run(SERVERS[server] + files, tmp_path)

    (line,) = (tmp_path / "access.log").read_text().splitlines()
    assert "/items" in line
    errors = (tmp_path / "error.log").read_text()
    for beginning in said_by(server, "wrapper"):
        assert errors.count(beginning) == 1
        assert len([body for body in served.records if body.startswith(beginning)]) == 1
    assert [line["event"] for line in served.lines] == ["otel_flow.http.request"]
    assert served.records.count("otel_flow.http.request") == 1


LOGGERS = {
    "version": 1,
    "formatters": {"mine": {"format": "MINE %(name)s %(message)s"}},
    "handlers": {
        "mine": {
            "class": "logging.StreamHandler",
            "formatter": "mine",
            "stream": "ext://sys.stdout",
        }
    },
}
OWN = {
    "gunicorn": {
        **LOGGERS,
        "root": {"level": "INFO", "handlers": ["mine"]},
        "loggers": {
            f"gunicorn.{part}": {"level": "INFO", "handlers": ["mine"], "propagate": False}
            for part in ("error", "access")
        },
    },
    # It propagates, and nobody has given the root logger a handler.
    "uvicorn": {
        **LOGGERS,
        "disable_existing_loggers": False,
        "loggers": {"uvicorn": {"level": "INFO", "handlers": ["mine"]}},
    },
}
OPTION = {"gunicorn": "--log-config-json", "uvicorn": "--log-config"}


@pytest.mark.parametrize(
    ("server", "said"),
    [("gunicorn asgi", BY_PARENT | BY_WORKER["asgi"]), ("uvicorn", SAID["uvicorn"])],
)
def test_a_configuration_of_ones_own_stays(server, said, tmp_path):
    """A server that was given a configuration of logging prints in its form, once, and each is one record."""
    (tmp_path / "own.json").write_text(json.dumps(OWN[server.split()[0]]))
    option = OPTION[server.split()[0]]
    served = run(f"{SERVERS[server]} {option} own.json", tmp_path)

    for beginning in said:
        (line,) = [line for line in served.output if beginning in line]
        assert line.startswith("MINE")
        assert len([body for body in served.records if body.startswith(beginning)]) == 1


@pytest.mark.fidelity
def test_gunicorns_own_configuration_file(tmp_path):
    """``logconfig_dict`` of a ``gunicorn.conf.py`` is kept like any other configuration of logging."""
    (tmp_path / "gunicorn.conf.py").write_text(f"logconfig_dict = {OWN['gunicorn']!r}")
    served = run(SERVERS["gunicorn UvicornWorker"], tmp_path)

    for beginning in BY_PARENT:
        (line,) = [line for line in served.output if beginning in line]
        assert line.startswith("MINE")
        assert len([body for body in served.records if body.startswith(beginning)]) == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_servers_loggers_are_as_they_were_after_a_shutdown(receiver, when):
    """What was taken from a server is given back, whichever of the two came first."""
    server = """
        import gunicorn.config, gunicorn.glogging, hypercorn.config, logging, logging.config, uvicorn.config
        logging.config.dictConfig(uvicorn.config.LOGGING_CONFIG)
        gunicorn.glogging.Logger(gunicorn.config.Config())
        hypercorn.config.Config().log
        """
    state = """
        def state():
            names = ("uvicorn", "uvicorn.access", "gunicorn.error", "hypercorn.error")
            loggers = [logging.getLogger(name) for name in names]
            kinds = [[type(h) for h in logger.handlers] for logger in loggers]
            return kinds, [logger.propagate for logger in loggers]
        expected = [[logging.StreamHandler]] * 4, [False, False, False, True]
        """
    taken = (
        "assert state() == ([[]] * 4, [True] * 4); telemetry.shutdown(); assert state() == expected"
    )
    steps = [server, OURS] if when == "before" else [OURS, server]
    done = programs.run(receiver, *steps, state, taken)

    assert (done.code, done.stderr) == (0, "")


@pytest.mark.fidelity
def test_after_a_reload_all_is_as_before(tmp_path):
    """gunicorn makes its handlers anew at SIGHUP; what it says then is one line and one record, too."""
    receiver = Receiver()
    try:
        with serving(SERVERS["gunicorn asgi"], tmp_path, receiver) as client:
            assert client.get("/items").status_code == 200
            output = tmp_path / "output"
            (parent,) = {
                json.loads(line)["event"].rpartition("(")[2].rstrip(")")
                for line in output.read_text().splitlines()
                if "Listening at" in line
            }
            os.kill(int(parent), 1)
            wait_until(lambda: output.read_text().count("Booting worker") == 2, "reload")
    finally:
        receiver.stop()
    served = Served(tmp_path, receiver)

    (line,) = [line for line in served.output if "Hang up" in line]
    assert json.loads(line)["logger"] == "gunicorn.error"
    assert len([body for body in served.records if "Hang up" in body]) == 1
