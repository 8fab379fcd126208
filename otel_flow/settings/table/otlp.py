"""The OTLP family: nine options, for all signals at once and for each (specification: OTLP Exporter)."""

from __future__ import annotations

import pathlib

from otel_flow.settings.kinds import Choice, Flag, Rejected, Seconds, Text, Url, choice
from otel_flow.settings.pairs import Headers
from otel_flow.settings.table.setting import Setting


SIGNALS = ("traces", "metrics", "logs")


def readable_file(path: str) -> None:
    """Reject *path* unless it is a file that can be read."""
    try:
        with pathlib.Path(path).open("rb") as file:
            file.read(1)
    except OSError as error:
        raise Rejected(f"a readable file ({error.strerror})") from None


_FILE = Text(accepts=readable_file)
_PROTOCOL = Choice(
    {"http/protobuf": "http/protobuf", "grpc": "grpc"},
    refused={"http/json": "JSON costs several times the CPU; every receiver takes protobuf"},
)

COMMON = (
    Setting(
        "endpoint",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        Url(),
        "Where OTLP is sent; for http/protobuf `/v1/<signal>` is appended to it, a signal's own "
        "endpoint is taken as it is. `unix:///run/otel.sock` is a Unix socket. Default "
        "http://localhost:4318, for grpc http://localhost:4317.",
    ),
    Setting(
        "headers",
        "OTEL_EXPORTER_OTLP_HEADERS",
        Headers(),
        "Headers of each request, `key1=value1,key2=value2`, percent-encoded; never shown.",
    ),
    Setting(
        "timeout",
        "OTEL_EXPORTER_OTLP_TIMEOUT",
        Seconds(timeout=True),
        "Longest time for one batch, retries included; 0 is endless.",
        "s",
        keyword="export_timeout",
    ),
    Setting(
        "compression",
        "OTEL_EXPORTER_OTLP_COMPRESSION",
        choice("none", "gzip", "deflate", "zstd"),
        "Compression of the body: none, gzip, deflate or zstd.",
    ),
    Setting(
        "certificate",
        "OTEL_EXPORTER_OTLP_CERTIFICATE",
        _FILE,
        "File of the certificates (PEM) that the server's is verified with.",
    ),
    Setting(
        "client_key",
        "OTEL_EXPORTER_OTLP_CLIENT_KEY",
        _FILE,
        "File of the private key (PEM) for mutual TLS.",
    ),
    Setting(
        "client_certificate",
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
        _FILE,
        "File of the certificate chain (PEM) for mutual TLS.",
    ),
    Setting(
        "insecure",
        "OTEL_EXPORTER_OTLP_INSECURE",
        Flag(),
        "No TLS on a gRPC channel whose endpoint has no scheme.",
    ),
    Setting(
        "protocol",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        _PROTOCOL,
        "http/protobuf or grpc.",
    ),
)
"""The options for all signals; as keywords they are named by *keyword*, else by *field*."""


def _for_signal(common: Setting, signal: str) -> Setting:
    assert common.variable is not None
    variable = common.variable.replace("_OTLP_", f"_OTLP_{signal.upper()}_")
    return Setting(
        f"otlp_{signal}.{common.field}",
        variable,
        common.kind,
        f"As {common.variable}, for {signal} alone.",
        common.unit,
        falls_back_to=(common.variable,),
        keyword=common.keyword or common.field,
    )


OTLP = tuple(_for_signal(common, signal) for signal in SIGNALS for common in COMMON)
