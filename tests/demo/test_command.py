"""`otel-flow demo` as it is typed: the true command, real processes, all of them at once."""

import contextlib
import fcntl
import json
import re
import runpy
import subprocess
import sys
import tempfile

from concurrent import futures
from pathlib import Path
from xml.etree import ElementTree as ET

import celery
import psutil
import pytest

from otel_flow.cli import main
from otel_flow.demo import services
from otel_flow.demo.services import Service, ServiceEndedError
from otel_flow.otlp.receiver import Receiver
from tests.demo.runs import COMMAND, DROPPING, Run, TerminalRun, environ
from tests.servers import redis_server
from tests.stack.build import ROOT


ONCE = ("demo", "--once", "--requests", "16")


@pytest.fixture(scope="module")
def runs():
    """Every run that the tests look at, side by side: most of their time is waiting."""
    with contextlib.ExitStack() as stack:
        redis_url = stack.enter_context(redis_server())
        home = stack.enter_context(tempfile.TemporaryDirectory())
        batches = []
        backend = stack.enter_context(Receiver(batches.append))
        started = {
            "text": Run(*ONCE, "--port", str(backend.port), "--redis", redis_url, TMPDIR=home),
            "dropped": Run(*ONCE, "--no-redis", "--json", command=[sys.executable, "-c", DROPPING]),
            "sent": Run(*ONCE, "--no-redis", "--send", backend.endpoint, NO_PROXY="127.0.0.1"),
            "live": TerminalRun(
                "demo", "--redis", "redis://127.0.0.1:1", columns=50, until=b"trace ", NO_COLOR="1"
            ),
        }
        for run in started.values():
            stack.callback(run.kill)
        for run in started.values():
            run.finish()
        yield {**started, "batches": batches, "port": backend.port, "home": Path(home)}


def test_once_agrees(runs):
    """Sixteen requests: answers, spans, histogram and lines agree, and the exit code is 0."""
    run = runs["text"]

    assert run.code == 0, run.stdout + run.stderr
    assert "everything agrees" in run.stdout
    assert re.search(r"^ all +(\d+) +\1 +\1 +\1 *$", run.stdout, re.MULTILINE)
    assert "16 trace ids" in run.stdout


def test_the_trace_crosses_to_the_worker(runs):
    """One tree holds the request, the task of the worker and the line the task wrote."""
    (tree,) = [
        tree
        for tree in runs["text"].stdout.split("trace ")
        if tree.split("\n")[1:2] and "POST /orders 202" in tree and "receipt.sent" in tree
    ]

    lines = [line.strip(" │├└─") for line in tree.splitlines()]
    started = [line.split("  ")[0] for line in lines if "shop.send_receipt " in line]
    assert any(line.startswith("process shop.send_receipt") for line in started)
    assert any(line.startswith("INSERT orders") for line in lines)
    assert any(line.startswith("INFO  order.placed order_id=") for line in lines)
    assert any(line.startswith("INFO  receipt.sent order_id=") for line in lines)
    assert "shop-worker" in tree


def test_failures_are_shown(runs):
    """The tree of a failed request names the exception; a slow route is in the table."""
    text = runs["text"].stdout

    assert "✗ ZeroDivisionError: " in text
    assert re.search(r"route +GET /search", text)
    assert re.search(r"task +shop.fulfil_order", text)
    assert re.search(r"query +SELECT products", text)


def test_a_pipe_gets_plain_text(runs):
    """Piped, the output has no escape sequences and no line wider than the terminal."""
    text = runs["text"].stdout

    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 100


def test_a_taken_port_is_replaced(runs):
    """A port that belongs to somebody else is named, and another one used."""
    assert f"port {runs['port']} of 127.0.0.1 is taken; another one is used" in runs["text"].stdout


def test_redis_is_used_when_it_answers(runs):
    """With a Redis the shop says so; without one it says that it is degraded, and why."""
    assert "the shop caches" in runs["text"].stdout
    assert "degraded" in runs["live"].shown.replace("\r\n", " ")
    assert "the shop has no cache" in runs["sent"].stdout


def test_a_dropped_span_is_seen(runs):
    """If one span is lost on the way, the summary names its trace and the exit code is 1."""
    run = runs["dropped"]

    document = json.loads(run.stdout)
    assert len(document["trace_ids"]) == 16
    trace_id = run.stderr.rpartition("dropped ")[2]
    failed = [check for check in document["checks"] if not check["passed"]]
    assert (run.code, document["passed"]) == (1, False)
    assert any(f"{trace_id} missing in spans" in check["found"] for check in failed)
    (row,) = [row for row in document["requests"] if row["spans"] != row["answers"]]
    assert row["spans"] == row["answers"] - 1 == row["points"] - 1 == row["lines"] - 1


def test_send(runs):
    """--send has everything arrive at another backend, and checks answers against lines."""
    run = runs["sent"]

    assert run.code == 0, run.stdout + run.stderr
    spans = [span for batch in runs["batches"] for span in batch.spans if span.kind == "server"]
    assert len(spans) == 16
    assert all(span.trace_id[:8] in run.stdout for span in spans[:1])
    assert {span.source.service for span in spans} == {"shop"}


def test_ctrl_c_ends_the_live_view(runs):
    """Ctrl-C stops the services and leaves; that is how it ends, so the exit code is 0."""
    run = runs["live"]

    assert run.code == 0, run.shown
    assert "stopping the services" in run.shown
    assert "Traceback" not in run.shown


def test_no_colour_where_none_is_wanted(runs):
    """With NO_COLOR a terminal gets no colours."""
    assert not re.search(r"\x1b\[(?:\d+;)*[34]\d", runs["live"].shown)


def test_nothing_is_left_behind(runs):
    """After all these runs no process and no folder of the demo is left."""
    commands = [" ".join(process.info["cmdline"] or ()) for process in own_children()]

    assert [command for command in commands if "otel_flow.demo.shop" in command] == []
    assert list(runs["home"].iterdir()) == []


def own_children():
    yield from (child for child in _children() if child.info["cmdline"])


def _children():
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            child.info = {"cmdline": child.cmdline()}
            yield child


def test_sigterm_stops_the_services():
    """A demo that is terminated takes its services with it, and its folder."""
    with tempfile.TemporaryDirectory() as home:
        demo = subprocess.Popen(
            [*COMMAND, "demo", "--no-redis"],
            env=environ(TMPDIR=home),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        with demo:
            assert any("the shop is at" in line for line in demo.stdout)
            children = psutil.Process(demo.pid).children(recursive=True)
            demo.terminate()
            demo.stdout.read()
        _, alive = psutil.wait_procs(children, 20)

        assert len(children) >= 2
        assert alive == []
        assert list(Path(home).iterdir()) == []


def test_a_service_that_dies_ends_the_demo():
    """A demo whose worker is killed stops the shop, and says who ended, without a traceback."""
    with subprocess.Popen(
        [*COMMAND, "demo", "--no-redis"],
        env=environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as demo:
        assert any("the shop is at" in line for line in demo.stdout)
        (worker,) = [
            child
            for child in psutil.Process(demo.pid).children()
            if "celery" in " ".join(child.cmdline())
        ]
        worker.kill()
        _, said = demo.communicate(timeout=120)

    assert demo.returncode == 1
    assert "otel-flow: demo: shop-worker ended with status -9" in said
    assert "Traceback" not in said


def test_the_broker_is_never_read_half_written(tmp_path):
    """A message that another process is still writing is not taken: the lock is waited for."""
    queue = celery.Celery("shop", broker="filesystem://localhost")
    queue.conf.broker_transport = "otel_flow.demo.shop.broker:Transport"
    folders = {name: str(tmp_path) for name in ("data_folder_in", "data_folder_out")}
    queue.conf.broker_transport_options = {**folders, "control_folder": str(tmp_path)}
    with queue.connection_for_write() as connection, (tmp_path / "lock").open("w") as lock:
        channel = connection.channel()
        fcntl.flock(lock, fcntl.LOCK_EX)
        (tmp_path / "1_a.orders.msg").touch()
        with futures.ThreadPoolExecutor(1) as pool:
            taken = pool.submit(channel._get, "orders")
            futures.wait([taken], 0.3)
            (tmp_path / "1_a.orders.msg").write_text('{"body": 1}')
            fcntl.flock(lock, fcntl.LOCK_UN)

            assert taken.result(30) == {"body": 1}


def test_a_service_that_fails_is_explained():
    """A service that ends is an error with its status and its last words, errors among them."""
    lines = []
    code = 'print(\'{"event": "hello", "level": "error"}\'); raise SystemExit(\'no database\')'
    service = Service("shop", ["-c", code], environ(), lines.append)
    service.wait()

    with pytest.raises(
        ServiceEndedError, match=r"(?s)shop ended with status 1:.*error: hello.*no database"
    ):
        service.check()
    assert lines == [{"event": "hello", "level": "error"}]


def test_the_shop_gets_a_clean_environment(monkeypatch):
    """Variables of the user reach the shop only with --send, and only those that lead to the backend."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=x")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://elsewhere")
    monkeypatch.setenv("https_proxy", "http://proxy")

    def given(*, own_backend):
        found = services.service_environ(
            Path("/x"), "http://here", own_backend=own_backend, redis_url=None
        )
        return {name for name in found if "OTLP" in name or "SAMPLER" in name or "proxy" in name}

    assert given(own_backend=False) == {"OTEL_EXPORTER_OTLP_ENDPOINT"}
    assert given(own_backend=True) == {
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_HEADERS",
        "https_proxy",
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--requests", "0"], "'0' is no number from 1 to 10000"),
        (["--rate", "fast"], "'fast' is no number from 0.1 to 1000"),
        (["--port", "70000"], "'70000' is no number from 0 to 65535"),
        (["--no-redis", "--redis", "redis://x"], "not allowed with argument"),
    ],
)
def test_wrong_use(arguments, message, capsys):
    """What cannot be is said, with exit code 2."""
    with pytest.raises(SystemExit) as ended:
        main(["demo", *arguments])

    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_requests_need_an_end(capsys):
    """--requests means nothing without --once, and is refused."""
    assert main(["demo", "--requests", "5"]) == 2
    assert "--requests needs --once" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["demo", "tail"])
def test_a_missing_extra_is_named(command, capsys, monkeypatch):
    """Without the packages of the extra the command says how to install them."""
    for name in [name for name in sys.modules if name.startswith(("otel_flow.demo.", "rich"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rich", None)

    assert main([command]) == 2
    assert 'pip install "otel-flow[demo]"' in capsys.readouterr().err


@pytest.mark.parametrize("command", ["demo", "tail"])
def test_help_has_examples(command, capsys):
    """--help shows what to type and what the exit codes mean."""
    with pytest.raises(SystemExit):
        main([command, "--help"])

    shown = capsys.readouterr().out
    assert f"otel-flow {command} --" in shown
    assert "Exits with 0" in shown


def test_the_picture_is_of_a_run(runs):
    """docs/picture.py draws what a run printed, and docs/demo.svg was drawn by it."""
    script = runpy.run_path(str(ROOT / "docs" / "picture.py"))
    drawn = script["render"](script["chosen"](runs["text"].stdout))

    for svg in (drawn, script["PICTURE"].read_text()):
        texts = " ".join("".join(ET.fromstring(svg).itertext()).split())
        assert "POST /orders 202" in texts
        assert "receipt.sent" in texts
        assert "✗ ZeroDivisionError" in texts
        assert "everything agrees" in texts
        assert "url(http" not in svg
