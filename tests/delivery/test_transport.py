import datetime as dt
import http.server
import ipaddress
import os
import socketserver
import ssl
import threading

import pytest

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from otel_flow.delivery.transport import Transport, TransportError
from otel_flow.settings import OtlpSettings, Settings
from otel_flow.settings.proxies import ProxySettings
from tests.delivery.backend import Backend


class Authority:
    """A certificate authority that writes certificates into a folder."""

    def __init__(self, folder, name="authority"):
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._folder = folder
        self.file = str(folder / f"{name}.pem")
        own = self._certificate(self._name, self._key, authority=True)
        (folder / f"{name}.pem").write_bytes(own.public_bytes(serialization.Encoding.PEM))

    def _certificate(self, subject, key, *, authority=False):
        now = dt.datetime.now(dt.UTC)
        own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([address]), critical=False)
            .add_extension(own, critical=False)
            .add_extension(issuer, critical=False)
            .sign(self._key, hashes.SHA256())
        )

    def issue(self, name):
        """Write a certificate and its key; return both paths."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._certificate(subject, key)
        files = (self._folder / f"{name}.crt", self._folder / f"{name}.key")
        files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        files[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return tuple(map(str, files))


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


def test_zstd_or_gzip(backend, base, build):
    """Where zstd was asked for and cannot be had, requests are gzipped and arrive."""
    flow = build(base, delay=60, otlp={"compression": "zstd"}, logs_exporters=())
    flow.span()
    ours = flow.pipeline._engine.lanes["traces"].outlet._transport

    if ours._encoding == "gzip":
        assert flow.pipeline.force_flush(5)
        assert len(backend.spans()) == 1
    else:
        assert ours._encoding == "zstd"
