"""`make stack` and `make backends`, as a person uses them."""

import contextlib
import signal
import socket
import subprocess
import sys
import types

import psutil
import pytest

from tests.stack import build
from tests.stack.__main__ import describe
from tests.stack.build import ROOT
from tests.stack.compose import Loopback, Service
from tests.stack.launch import Ports, free_port


@contextlib.contextmanager
def make_stack():
    """The command with the default OTLP port taken, and what it has printed once ready."""
    with contextlib.ExitStack() as stack:
        taken = stack.enter_context(socket.socket())
        with contextlib.suppress(OSError):  # somebody else's is just as good
            taken.bind(("127.0.0.1", 4318))
            taken.listen()
        process = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "tests.stack"],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        )
        try:
            yield process, "".join(process.stdout.readline() for _ in range(5))
        finally:
            process.send_signal(signal.SIGTERM)


@pytest.mark.stack
def test_it_says_what_to_export_and_stops_on_ctrl_c(backends):
    """With the standard port taken it prints an export line, and Ctrl-C leaves nothing running."""
    with make_stack() as (process, output):
        servers = psutil.Process(process.pid).children()
        process.send_signal(signal.SIGINT)
        _, messages = process.communicate(timeout=60)

    assert output.startswith("export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:")
    assert ":4318\n" not in output.splitlines(keepends=True)[0]
    assert "no web UI" in output
    assert (process.returncode, len(servers)) == (0, 4)
    assert [server for server in servers if server.is_running()] == []
    assert "otelcol 0.158.0" in messages


@pytest.mark.stack
def test_it_says_which_server_has_ended(backends):
    """When a server ends by itself, its name and last words are printed, and the rest stops."""
    with make_stack() as (process, _):
        servers = psutil.Process(process.pid).children()
        next(server for server in servers if server.name() == "loki").terminate()
        _, messages = process.communicate(timeout=60)

    assert (process.returncode, "loki has ended:" in messages) == (1, True)
    assert [server for server in servers if server.is_running()] == []


def test_the_default_endpoint_needs_no_export():
    """On the standard ports nothing is to be exported."""
    addresses = dict.fromkeys(("otlp_grpc", "prometheus", "loki", "jaeger"), "http://127.0.0.1:1")

    first, *_ = describe(types.SimpleNamespace(otlp_http="http://127.0.0.1:4318", **addresses))

    assert first.startswith("#")


def test_standard_ports_are_taken_when_they_are_free():
    """A port stays what the compose file says unless somebody listens there."""
    port = free_port()
    ports = Ports(prefer_standard=True)

    assert ports("one", port) == port
    assert ports("another", port) != port
    assert ports("one", port) == port
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert Ports(prefer_standard=True)("one", taken.getsockname()[1]) != taken.getsockname()[1]


def test_a_service_of_the_compose_file_becomes_a_native_command(tmp_path):
    """Mounted paths, addresses and port variables are translated, everything else stays."""
    service = Service(
        name="here",
        image="image:1.0",
        command=("--config=/etc/here/a.yaml", "--listen=0.0.0.0:80", "--not=/etc/heresy", "-x=1:2"),
        environment={
            "THERE": "http://there:81/path",
            "OWN_PORT": "80",
            "HOST": "0.0.0.0",
            "DATA": "/d/x",
        },
        # A checkout may itself stand below what is mounted.
        mounts=(("./collector/here", "/etc/here"), ("volume", "/d"), ("other", "/tmp")),
        profiles=(),
    )
    loopback = Loopback(
        frozenset({"here", "there"}),
        lambda name, port: {("here", 80): 1080, ("there", 81): 1081}[name, port],
        lambda _service, source: tmp_path / source,
    )

    assert loopback.command(service) == [
        f"--config={tmp_path}/collector/here/a.yaml",
        "--listen=127.0.0.1:1080",
        "--not=/etc/heresy",
        "-x=1:2",
    ]
    assert loopback.environment(service) == {
        "THERE": "http://127.0.0.1:1081/path",
        "OWN_PORT": "1080",
        "HOST": "127.0.0.1",
        "DATA": f"{tmp_path}/volume/x",
    }


def go_that(tmp_path, script):
    """A Go tool that answers its version and otherwise does *script*."""
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text(f'#!/bin/sh\n[ "$2" = GOVERSION ] && echo go1.26.8 && exit\n{script}\n')
    go.chmod(0o755)
    return {"PATH": f"{go.parent}:/usr/bin:/bin", "OTEL_FLOW_CACHE": str(tmp_path / "cache")}


def run_build(environ):
    return subprocess.run(
        [sys.executable, "tests/stack/build.py", "prometheus"],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_missing_go_is_named_with_where_to_get_it(tmp_path):
    """Without Go, one line says what is needed and from where."""
    done = run_build({"PATH": str(tmp_path), "OTEL_FLOW_CACHE": str(tmp_path)})

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "Go 1.26.7 or newer is needed to build the backends: https://go.dev/dl/\n"
    )


def test_a_failed_build_shows_what_the_compiler_said_and_leaves_nothing(tmp_path):
    """The error of the tool is shown, and no half-built program is taken for a built one."""
    environ = go_that(tmp_path, 'echo "module is gone" >&2; exit 1')

    done = run_build(environ)

    assert done.returncode == 1
    assert "building prometheus 3.16.0" in done.stderr
    assert done.stderr.rstrip().endswith("module is gone")
    assert list((tmp_path / "cache" / "backends").glob("prometheus-*/*")) == []


def test_what_is_built_is_not_built_again(tmp_path):
    """A second run finds the binaries in the cache by the hash of their manifest."""
    environ = go_that(tmp_path, "mkdir -p bin; touch bin/prometheus bin/promtool")

    first, second = run_build(environ), run_build(environ)

    assert (first.returncode, first.stdout) == (second.returncode, second.stdout)
    assert ("building" in first.stderr, second.stderr) == (True, "")


def test_building_shows_progress(monkeypatch, capsys):
    """A build that takes long says from time to time that it goes on."""
    monkeypatch.setattr(build, "PROGRESS_SECONDS", 0.05)
    with subprocess.Popen(["sleep", "0.3"], stdout=subprocess.PIPE, text=True) as process:
        build._wait(build.LOKI, process)

    assert capsys.readouterr().err.count("loki: 0 s") >= 2
