"""Settings that come in groups: one OTLP signal, one batch queue, the limits, the proxies."""

from __future__ import annotations

import dataclasses

from typing import Literal

from otel_flow.settings.masking import mask_url, masked_repr


Compression = Literal["none", "gzip", "deflate", "zstd"]
Protocol = Literal["http/protobuf", "grpc"]

DEFAULT_HTTP_ENDPOINT = "http://localhost:4318"
DEFAULT_GRPC_ENDPOINT = "http://localhost:4317"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class OtlpSettings:
    """
    Where and how one signal is sent (specification: OTLP exporter).

    *endpoint* is the full URL, path included, for ``http/protobuf``; a Unix socket
    is written ``unix:///run/otel.sock:/v1/traces``. *timeout* is in seconds.
    """

    endpoint: str
    headers: tuple[tuple[str, str], ...] = ()
    timeout: float = 10.0
    compression: Compression = "none"
    certificate: str | None = None
    client_key: str | None = None
    client_certificate: str | None = None
    insecure: bool = False
    """No TLS on a gRPC channel; where the endpoint has an http or https scheme, that decides."""
    protocol: Protocol = "http/protobuf"

    def __post_init__(self) -> None:
        scheme = self.endpoint.partition("://")[0].lower()
        if scheme in {"http", "https"}:
            object.__setattr__(self, "insecure", scheme == "http")

    def __repr__(self) -> str:
        shown = dataclasses.replace(
            self,
            endpoint=mask_url(self.endpoint),
            headers=tuple((name, "***") for name, _ in self.headers),
        )
        return masked_repr(shown)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BatchSettings:
    """
    One batch queue (specification: batch span and log record processor), times in seconds.

    A size of None is unset: the byte bound of the queue rules, not the item count.
    """

    schedule_delay: float = 5.0
    export_timeout: float = 30.0
    max_queue_size: int | None = None
    max_export_batch_size: int | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LimitSettings:
    """
    Limits of attributes, events and links, as they apply; a length of None is no limit.

    ``Settings.from_environ`` derives the specific limits that are not set from the
    general ones (specification: attribute, span and log record limits).
    """

    attribute_count: int = 128
    attribute_value_length: int | None = None
    span_attribute_count: int = 128
    span_attribute_value_length: int | None = None
    event_count: int = 128
    link_count: int = 128
    event_attribute_count: int = 128
    link_attribute_count: int = 128
    log_attribute_count: int = 128
    log_attribute_value_length: int | None = None


SPAN_BATCH = BatchSettings()
LOG_BATCH = BatchSettings(schedule_delay=1.0)
LIMITS = LimitSettings()
