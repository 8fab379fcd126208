import pytest

from otel_flow.errors import ConfigError
from otel_flow.settings import OtlpSettings, Settings, consistency
from otel_flow.settings.endpoints import socket_parts


BASE = "OTEL_EXPORTER_OTLP_ENDPOINT"
OWN = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
PROTOCOL = "OTEL_EXPORTER_OTLP_PROTOCOL"


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("http://c:4318", "http://c:4318/v1/traces"),
        ("http://c:4318/", "http://c:4318/v1/traces"),
        ("https://c/otlp", "https://c/otlp/v1/traces"),
        ("https://c/otlp/", "https://c/otlp/v1/traces"),
        ("https://c/otlp?key=1", "https://c/otlp/v1/traces?key=1"),
        ("http://[::1]:4318", "http://[::1]:4318/v1/traces"),
        ("unix:///run/otel.sock", "unix:///run/otel.sock:/v1/traces"),
    ],
)
def test_common_endpoint(base, expected):
    """A signal's path is appended to the common endpoint, without a double slash."""
    assert Settings.from_environ({BASE: base}).otlp_traces.endpoint == expected


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ("http://c:4318", "http://c:4318/"),
        ("http://c:4318/spans", "http://c:4318/spans"),
        ("https://c/v1/traces/", "https://c/v1/traces/"),
        ("unix:///run/otel.sock:/spans", "unix:///run/otel.sock:/spans"),
    ],
)
def test_own_endpoint(own, expected):
    """A signal's own endpoint is taken as it is, with / for an absent path."""
    settings = Settings.from_environ({BASE: "http://other", OWN: own})

    assert settings.otlp_traces.endpoint == expected
    assert settings.otlp_logs.endpoint == "http://other/v1/logs"


@pytest.mark.parametrize("text", ["http://c:4317", "https://c", "c:4317", "dns:///c:4317"])
def test_grpc_endpoint(text):
    """gRPC takes URLs, host:port and its own schemes, and no path is appended."""
    settings = Settings.from_environ({BASE: text, PROTOCOL: "grpc"})

    assert settings.otlp_metrics.endpoint == text


@pytest.mark.parametrize(
    "text",
    [
        "c:4318",
        "c",
        "ftp://c",
        "http://",
        "http://:4318",
        "http://c:port",
        "http://c:99999",
        "http://a b",
        "unix://run/otel.sock",
        "http://[::1",
    ],
)
def test_wrong_endpoint(text):
    """An endpoint without scheme, host or a right port is one problem."""
    with pytest.raises(ConfigError) as caught:
        Settings.from_environ({BASE: text})

    assert [problem.name for problem in caught.value.problems] == [BASE]


def test_default_endpoint_follows_the_protocol():
    """Without an endpoint, gRPC goes to 4317 and http/protobuf to 4318 with the signal's path."""
    settings = Settings.from_environ({"OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "grpc"})

    assert settings.otlp_logs.endpoint == "http://localhost:4317"
    assert settings.otlp_traces.endpoint == "http://localhost:4318/v1/traces"


@pytest.mark.parametrize(
    ("endpoint", "flag", "insecure"),
    [
        ("http://c:4317", "", True),
        ("https://c:4317", "true", False),
        ("c:4317", "", False),
        ("c:4317", "true", True),
    ],
)
def test_insecure(endpoint, flag, insecure):
    """The scheme decides about TLS; without one, the variable does."""
    settings = Settings.from_environ(
        {BASE: endpoint, PROTOCOL: "grpc", "OTEL_EXPORTER_OTLP_INSECURE": flag}
    )

    assert settings.otlp_traces.insecure is insecure


def test_port_of_grpc_with_http():
    """http/protobuf to port 4317 gives one warning that names both ways out."""
    settings = Settings.from_environ({BASE: "http://c:4317"})

    assert len(settings.warnings) == 1
    assert "4318" in settings.warnings[0]
    assert "OTEL_EXPORTER_OTLP_PROTOCOL=grpc" in settings.warnings[0]


def test_http_json_is_refused_with_a_reason():
    """http/json is refused, and the reason says what to use."""
    with pytest.raises(ConfigError, match=r"http/protobuf, grpc \(JSON costs"):
        Settings.from_environ({PROTOCOL: "http/json"})


def test_client_key_needs_a_certificate():
    """A client key without a client certificate is a problem."""
    with pytest.raises(ConfigError, match="OTEL_EXPORTER_OTLP_CLIENT_KEY"):
        Settings.from_environ({"OTEL_EXPORTER_OTLP_CLIENT_KEY": __file__})


def test_unreadable_certificate(tmp_path):
    """A certificate that cannot be read is a problem with the reason."""
    with pytest.raises(ConfigError, match="No such file"):
        Settings.from_environ({"OTEL_EXPORTER_OTLP_CERTIFICATE": str(tmp_path / "ca.pem")})


def test_zstd_over_grpc_is_refused():
    """gRPC has no zstd."""
    with pytest.raises(ConfigError, match="none, gzip or deflate"):
        Settings.from_environ({PROTOCOL: "grpc", "OTEL_EXPORTER_OTLP_COMPRESSION": "zstd"})


def test_keyword_endpoint_wins_over_a_signals_variable():
    """The keyword endpoint sets all signals, whatever the variables say."""
    settings = Settings.from_environ({OWN: "http://variable/x"}, endpoint="http://keyword")

    assert settings.otlp_traces.endpoint == "http://keyword/v1/traces"
    assert settings.sources["otlp_traces.endpoint"] == "keyword"


def test_keyword_endpoint_is_checked():
    """A wrong keyword endpoint is one problem, by the keyword's name."""
    with pytest.raises(ConfigError) as caught:
        Settings.from_environ({}, endpoint="collector:4318")

    assert [problem.name for problem in caught.value.problems] == ["endpoint"]


def test_keyword_group_is_taken_as_it_is():
    """A whole group as keyword wins over variables and over the common keywords."""
    logs = OtlpSettings(endpoint="http://logs/in", headers=(("a", "b"),), timeout=3)

    settings = Settings.from_environ(
        {"OTEL_EXPORTER_OTLP_HEADERS": "x=y"}, otlp_logs=logs, endpoint="http://all"
    )

    assert settings.otlp_logs == logs
    assert settings.otlp_traces.headers == (("x", "y"),)


def test_keyword_group_is_checked():
    """What is wrong inside a group that was given as keyword is named with its path."""
    with pytest.raises(ConfigError) as caught:
        Settings.from_environ({}, otlp_logs=OtlpSettings(endpoint="logs", timeout=-1))

    names = {problem.name for problem in caught.value.problems}
    assert names == {"otlp_logs.endpoint", "otlp_logs.timeout"}


def test_socket_parts():
    """The endpoint of a Unix socket splits into its file and the request path."""
    assert socket_parts("unix:///run/otel.sock:/v1/logs") == ("/run/otel.sock", "/v1/logs")
    assert socket_parts("unix:///run/otel.sock") == ("/run/otel.sock", "/")
    assert socket_parts("http://c/v1/logs") is None


def test_zstd_needs_a_module(monkeypatch, tmp_path):
    """zstd is taken where a module for it is installed; elsewhere the message is the pip command."""
    (tmp_path / "frozen_zstd.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(consistency, "_ZSTD_MODULES", ("nowhere.zstd", "frozen_zstd"))
    settings = Settings.from_environ({"OTEL_EXPORTER_OTLP_COMPRESSION": "zstd"})
    assert settings.otlp_logs.compression == "zstd"

    monkeypatch.setattr(consistency, "_ZSTD_MODULES", ("nowhere.zstd",))
    with pytest.raises(ConfigError, match=r'pip install "backports\.zstd"'):
        Settings.from_environ({"OTEL_EXPORTER_OTLP_COMPRESSION": "zstd"})


def test_grpc_needs_a_package(monkeypatch):
    """gRPC without its package is a problem with the pip command, unless OTLP is not used."""
    monkeypatch.setattr(consistency, "_GRPC_PACKAGE", "no-such-package")

    with pytest.raises(ConfigError, match=r'pip install "otel-flow\[grpc\]"') as caught:
        Settings.from_environ({PROTOCOL: "grpc"})
    assert len(caught.value.problems) == 1
    off = {f"OTEL_{signal}_EXPORTER": "none" for signal in ("TRACES", "METRICS", "LOGS")}
    assert Settings.from_environ({PROTOCOL: "grpc", **off}).otlp_logs.protocol == "grpc"


@pytest.mark.parametrize("text", ["a b:4317", "http://", "https://c:port"])
def test_wrong_grpc_endpoint(text):
    """A gRPC endpoint with blanks, or a URL without a host, is a problem."""
    with pytest.raises(ConfigError, match=BASE):
        Settings.from_environ({BASE: text, PROTOCOL: "grpc"})
