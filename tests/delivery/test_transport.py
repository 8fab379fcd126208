import contextlib
import http.server
import os
import socket
import socketserver
import ssl
import threading

import pytest

from otel_flow.delivery import transport as transports
from otel_flow.delivery.transport import Transport, TransportError
from otel_flow.settings import OtlpSettings, Settings, consistency
from otel_flow.settings.proxies import ProxySettings
from tests.authority import Authority
from tests.delivery.backend import Backend


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def secure(authority):
    """A backend that speaks TLS and wants a certificate of the client."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("server"))
    context.load_verify_locations(authority.file)
    context.verify_mode = ssl.CERT_REQUIRED
    running = Backend(tls=context)
    yield running
    running.close()


@pytest.fixture
def connect():
    """Build transports and close them."""
    built = []

    def connect(endpoint, *, proxy=None, **keywords):
        built.append(Transport(OtlpSettings(endpoint=endpoint, **keywords), proxy=proxy))
        return built[-1]

    yield connect
    for transport in built:
        transport.close()


def test_mutual_tls(secure, authority, connect):
    """With the authority and a client certificate, a request passes mutual TLS."""
    certificate, key = authority.issue("client")
    transport = connect(
        secure.url("traces", "https"),
        certificate=authority.file,
        client_certificate=certificate,
        client_key=key,
    )

    assert transport.post(b"", 5).status == 200


def test_unknown_authority_is_refused(secure, connect):
    """A server whose authority is not known gets no data."""
    with pytest.raises(TransportError, match="CERTIFICATE_VERIFY_FAILED") as caught:
        connect(secure.url("traces", "https")).post(b"", 5)

    assert not caught.value.sent
    assert not secure.attempts


def test_certificates_are_read_again(secure, authority, connect, tmp_path):
    """A certificate file that was replaced is used without a restart."""
    certificate, key = authority.issue("client")
    target = tmp_path / "trusted.pem"
    target.write_text((tmp_path / "authority.pem").read_text())
    transport = connect(
        secure.url("traces", "https"),
        certificate=str(target),
        client_certificate=certificate,
        client_key=key,
    )
    assert transport.post(b"", 5).status == 200
    other = Authority(tmp_path, "other")
    target.write_text((tmp_path / "other.pem").read_text())
    os.utime(target, (1, 1))

    assert other.file
    with pytest.raises(TransportError, match="CERTIFICATE_VERIFY_FAILED"):
        transport.post(b"", 5)


def test_unix_socket(tmp_path, connect):
    """A Unix socket is reached, at the path behind the colon."""
    seen = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            seen.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.send_header("Connection", "close")
            self.end_headers()

        def log_message(self, *_):
            pass

    path = str(tmp_path / "o.sock")
    with socketserver.UnixStreamServer(path, Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        status = connect(f"unix://{path}:/v1/traces").post(b"body", 5).status
        server.shutdown()
        thread.join()

    assert status == 200
    assert seen == [("/v1/traces", b"body")]


class _Tunnel(socketserver.StreamRequestHandler):
    """A proxy that connects whoever asks, and then passes bytes on."""

    def handle(self):
        asked = [self.rfile.readline()]
        while (line := self.rfile.readline()).strip():
            asked.append(line)
        self.server.asked.append(b"".join(asked).decode())
        host, _, port = asked[0].split()[1].decode().partition(":")
        with socket.create_connection((host, int(port))) as beyond:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_pass_on, args=(beyond, self.connection), daemon=True)
            back.start()
            _pass_on(self.connection, beyond)


def _pass_on(source, target):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)


def test_tls_through_a_proxy(secure, authority, connect):
    """A request by TLS goes through a tunnel, for which alone the proxy's credentials are shown."""
    certificate, key = authority.issue("client")
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Tunnel) as proxy:
        proxy.daemon_threads = True
        proxy.asked = []
        threading.Thread(target=proxy.serve_forever, args=(0.02,), daemon=True).start()
        transport = connect(
            secure.url("traces", "https"),
            proxy=f"http://user:p%40ss@127.0.0.1:{proxy.server_address[1]}",
            certificate=authority.file,
            client_certificate=certificate,
            client_key=key,
        )
        status = transport.post(b"", 5).status
        transport.close()
        proxy.shutdown()

    ((path, headers),) = secure.attempts
    assert (status, path) == (200, "/v1/traces")
    assert f"CONNECT 127.0.0.1:{secure.port}" in proxy.asked[0]
    assert "Proxy-Authorization: Basic dXNlcjpwQHNz" in proxy.asked[0]
    assert "Proxy-Authorization" not in headers


def test_proxy_of_the_settings(backend, connect):
    """A plain request goes to the proxy with the whole URL and the proxy's credentials."""
    proxy = f"http://user:p%40ss@127.0.0.1:{backend.port}"
    settings = Settings(proxies=ProxySettings(http=proxy, bypass=("direct.invalid",)))
    endpoint = "http://collector.invalid:4318/v1/traces"
    status = connect(endpoint, proxy=settings.proxy_for(endpoint)).post(b"", 5).status
    ((path, headers),) = backend.attempts

    assert status == 200
    assert path == endpoint
    assert headers["Proxy-Authorization"] == "Basic dXNlcjpwQHNz"
    assert settings.proxy_for("http://direct.invalid:4318/v1/traces") is None


@pytest.mark.parametrize("compression", ["gzip", "deflate"])
def test_compression(backend, base, build, compression):
    """Compressed requests say so and arrive as they were."""
    flow = build(base, delay=60, otlp={"compression": compression, "headers": (("Tenant", "a"),)})
    flow.span()

    assert flow.pipeline.force_flush(5)
    ((_, headers),) = backend.attempts
    assert headers["Content-Encoding"] == compression
    assert headers["Tenant"] == "a"
    assert headers["User-Agent"].startswith("otel-flow/")
    assert len(backend.spans()) == 1


def test_connection_is_kept(backend, connect):
    """Requests share one connection, and one that the server has closed is replaced unseen."""
    transport = connect(backend.url("traces"))
    transport.post(b"", 5)
    first = transport._connection.sock.getsockname()
    transport.post(b"", 5)

    assert transport._connection.sock.getsockname() == first


def test_gzip_where_zstd_cannot_be_had(backend, base, build, monkeypatch, capsys):
    """Where zstd was asked for and cannot be had, requests are gzipped and arrive, with one line."""
    monkeypatch.setattr(transports, "_ZSTD_MODULES", ("nowhere.zstd",))
    signals = {"logs_exporters": (), "metrics_exporters": ()}
    flow = build(base, delay=60, otlp={"compression": "zstd"}, **signals)
    flow.span()

    assert flow.pipeline.force_flush(20)
    ((_, headers),) = backend.attempts
    assert headers["Content-Encoding"] == "gzip"
    assert 'pip install "backports.zstd"; requests are gzipped' in capsys.readouterr().err


def test_zstd_is_had_from_what_the_settings_look_for():
    """Whatever module lets the settings take zstd is one that compresses."""
    assert transports._ZSTD_MODULES == consistency._ZSTD_MODULES
