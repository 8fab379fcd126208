"""The body of a request, read and decompressed within a bound."""

from __future__ import annotations

import importlib
import io
import zlib

from typing import TYPE_CHECKING, Any, Protocol


if TYPE_CHECKING:
    from collections.abc import Mapping


_PIECE = 64 * 1024
_LINE = 1024
_WINDOW = 16 + zlib.MAX_WBITS
"""Makes zlib expect a gzip header."""


class ByteStream(Protocol):
    """What bodies are read from."""

    def read(self, size: int, /) -> bytes:
        """Return *size* bytes, or what there is before the end."""

    def readline(self, limit: int, /) -> bytes:
        """Return a line of at most *limit* bytes."""


class RefusedError(Exception):
    """The request is refused with the HTTP status *status*."""

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        super().__init__(reason)


def read_body(stream: ByteStream, headers: Mapping[str, str], limit: int) -> bytes:
    """
    Return the body of a request with *headers*, decompressed, of at most *limit* bytes.

    Raises `RefusedError` with what to answer.
    """
    chunked = headers.get("transfer-encoding", "").lower() == "chunked"
    raw = _read_chunks(stream, limit) if chunked else _read_all(stream, headers, limit)
    return decompress(raw, headers.get("content-encoding", "identity").lower(), limit)


def _read_all(stream: ByteStream, headers: Mapping[str, str], limit: int) -> bytes:
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdecimal()):
        raise RefusedError(400, "Content-Length is not a number")
    return _read(stream, _within(int(length), limit))


def _read_chunks(stream: ByteStream, limit: int) -> bytes:
    body = bytearray()
    while size := _chunk_size(stream):
        body += _read(stream, _within(size, limit - len(body)))
        stream.readline(_LINE)
    while stream.readline(_LINE).strip():
        pass
    return bytes(body)


def _chunk_size(stream: ByteStream) -> int:
    line = stream.readline(_LINE).partition(b";")[0].strip()
    try:
        return int(line, 16) if line.isalnum() else int("x")
    except ValueError:
        raise RefusedError(400, "the size of a chunk is not a number") from None


def _within(size: int, limit: int) -> int:
    if size > limit:
        raise RefusedError(413, f"larger than {limit} bytes")
    return size


def _read(stream: ByteStream, size: int) -> bytes:
    body = stream.read(size)
    if len(body) < size:
        raise RefusedError(400, "the body is shorter than announced")
    return body


def decompress(body: bytes, encoding: str, limit: int) -> bytes:
    """Return *body* without its content *encoding*; raises `RefusedError` if that cannot be."""
    if encoding in {"identity", ""}:
        return body
    if encoding in {"gzip", "deflate"}:
        return _inflated(body, _WINDOW if encoding == "gzip" else zlib.MAX_WBITS, limit)
    if encoding == "zstd":
        return _unzstd(body, limit)
    raise RefusedError(415, f"unknown content encoding {encoding}")


def _inflated(body: bytes, window: int, limit: int) -> bytes:
    machine = zlib.decompressobj(window)
    try:
        inflated = machine.decompress(body, limit)
    except zlib.error as error:
        raise RefusedError(400, f"not compressed as announced: {error}") from None
    if machine.eof:
        return inflated
    _within(len(inflated) + 1, limit)
    raise RefusedError(400, "the compressed body is cut short")


def _unzstd(body: bytes, limit: int) -> bytes:
    reader, error = _zstd_reader(body)
    pieces = bytearray()
    try:
        while piece := reader.read(_PIECE):
            pieces += piece
            _within(len(pieces), limit)
    except error as failure:
        raise RefusedError(400, f"not compressed as announced: {failure}") from None
    return bytes(pieces)


def _zstd_reader(body: bytes) -> tuple[Any, Any]:
    """Return a reader of Python ≥ 3.14 or of the package ``zstandard``, and what it raises."""
    try:
        zstd = importlib.import_module("compression.zstd")
        return zstd.ZstdFile(io.BytesIO(body)), (zstd.ZstdError, EOFError)
    except ImportError:
        pass
    try:
        zstandard = importlib.import_module("zstandard")
    except ImportError:
        raise RefusedError(415, 'zstd needs Python 3.14 or: pip install "zstandard"') from None
    return zstandard.ZstdDecompressor().stream_reader(body), zstandard.ZstdError
