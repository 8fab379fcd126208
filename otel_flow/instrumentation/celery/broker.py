"""The broker of an application, and where in it a task goes, as the conventions name them."""

from __future__ import annotations

import dataclasses

from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from celery import Celery
    from kombu.connection import Connection


_SYSTEMS = {
    "amqp": "rabbitmq",
    "sqs": "aws_sqs",
    "gcpubsub": "gcp_pubsub",
    "azureservicebus": "servicebus",
}
"""What kombu calls a broker → ``messaging.system``, where the conventions know it."""

_LOCAL = frozenset({"memory", "filesystem", "sqlalchemy"})
"""Transports without a server of their own: kombu's default host would be a lie."""


@dataclasses.dataclass(frozen=True, slots=True)
class Broker:
    """The system of a broker and its address, None where it has none."""

    system: str
    address: str | None
    port: int | None

    def attributes(self) -> dict[str, Any]:
        """Return it as attributes."""
        found: dict[str, Any] = {"messaging.system": self.system}
        if self.address is not None:
            found["server.address"] = self.address
            if self.port is not None:
                found["server.port"] = self.port
        return found


def writing_broker(app: Celery) -> Broker:
    """Return the broker that *app* publishes to; nothing is connected."""
    return _described(app.connection_for_write())


def reading_broker(app: Celery) -> Broker:
    """Return the broker that workers of *app* consume from; nothing is connected."""
    return _described(app.connection_for_read())


def _described(connection: Connection) -> Broker:
    kind: Any = connection.get_transport_cls()  # type: ignore[no-untyped-call]
    driver = kind.driver_type
    if driver == "N/A":
        driver = kind.__module__.rpartition(".")[2].lower()
    if driver in _LOCAL:
        return Broker(driver, None, None)
    port = connection.port or kind.default_port
    return Broker(_SYSTEMS.get(driver, driver), connection.hostname or None, port)


def destination(exchange: Any, routing_key: str | None) -> str:
    """Return the queue of the default exchange, or ``exchange:routing key``."""
    name = exchange if isinstance(exchange, str) else getattr(exchange, "name", "")
    if not name:
        return routing_key or ""
    return f"{name}:{routing_key}" if routing_key else name
