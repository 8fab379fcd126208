"""Which server a client talks to, as its own configuration says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otel_flow.names import database as names


if TYPE_CHECKING:
    from collections.abc import Mapping


SYSTEM = "redis"
_DEFAULT_PORT = 6379


def attributes_of(owner: Any) -> Mapping[str, Any]:
    """
    Return system, namespace, address and port of what *owner* is connected to.

    *owner* is a connection pool or, of a cluster, what knows its nodes. The address is what
    the client was told: of a cluster the first node it was given, behind a Sentinel the
    name of the service, which outlives every failover.
    """
    if (nodes := nodes_of(owner)) is not None:
        return _described(*_first(nodes), database=0)
    given = owner.connection_kwargs
    database = given.get("db") or 0
    if service := getattr(owner, "service_name", None):
        return _described(str(service), None, database)
    if path := given.get("path"):
        return _described(str(path), None, database)
    port = given.get("port") or _DEFAULT_PORT
    return _described(str(given.get("host") or "localhost"), int(port), database)


def pool_name(attributes: Mapping[str, Any]) -> str:
    """Return ``host:port/database``: the same in every process and after every start."""
    server = attributes[names.SERVER_ADDRESS.name]
    if port := attributes.get(names.SERVER_PORT.name):
        server = f"{server}:{port}"
    return f"{server}/{attributes[names.NAMESPACE.name]}"


def nodes_of(owner: Any) -> Any:
    """Return what knows the nodes of a cluster; None where *owner* is no cluster's."""
    nodes = getattr(owner, "nodes_manager", owner)
    return nodes if hasattr(nodes, "startup_nodes") else None


def _first(nodes: Any) -> tuple[str, int | None]:
    """Return host and port of the first node that a cluster's client was given."""
    node = next(iter(nodes.startup_nodes.values()), None)
    return ("cluster", None) if node is None else (str(node.host), int(node.port))


def _described(address: str, port: int | None, database: int | str) -> dict[str, Any]:
    found: dict[str, Any] = {
        names.SYSTEM.name: SYSTEM,
        names.NAMESPACE.name: str(database),
        names.SERVER_ADDRESS.name: address,
    }
    if port is not None:
        found[names.SERVER_PORT.name] = port
    return found
