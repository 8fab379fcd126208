"""Which database an engine talks to, as its URL says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otel_flow.names import database as names


if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.engine import URL, Engine


_SYSTEMS = {
    "mssql": "microsoft.sql_server",
    "oracle": "oracle.db",
    "redshift": "aws.redshift",
    "spanner": "gcp.spanner",
    "spanner+spanner": "gcp.spanner",
    "hana": "sap.hana",
    "ibm_db_sa": "ibm.db2",
    "db2": "ibm.db2",
    "informix": "ibm.informix",
    "netezza": "ibm.netezza",
    "firebird": "firebirdsql",
    "teradatasql": "teradata",
}
"""Dialects whose name is not the one that the semantic conventions have for their system."""

_PORTS = {
    "postgresql": 5432,
    "cockroachdb": 26257,
    "mysql": 3306,
    "mariadb": 3306,
    "mssql": 1433,
    "oracle": 1521,
    "redshift": 5439,
}


def attributes_of(engine: Engine) -> Mapping[str, Any]:
    """
    Return system, namespace, address and port of the database of *engine*.

    They are those of the URL: ``db.namespace`` is the database at connection, without
    the schema, and an address is what the client was told, not the server it got.
    """
    dialect, url = engine.dialect, engine.url
    name = "mariadb" if getattr(dialect, "is_mariadb", False) else dialect.name
    found: dict[str, Any] = {names.SYSTEM.name: _SYSTEMS.get(name, name)}
    namespace = url.database or _query(url, "dbname") or _query(url, "service_name")
    if namespace or name == "sqlite":
        found[names.NAMESPACE.name] = namespace or ":memory:"
    host, port = _hosts(url)
    if host:
        found[names.SERVER_ADDRESS.name] = host
        is_one = not host.startswith("/") and "," not in host
        if is_one and (port := port or _PORTS.get(dialect.name)):
            found[names.SERVER_PORT.name] = port
    return found


def pool_name(engine: Engine, attributes: Mapping[str, Any]) -> str:
    """Return the name that the pool was given, or ``host:port/database``."""
    given: str | None = getattr(engine.pool, "_orig_logging_name", None)
    if given:
        return given
    server = attributes.get(names.SERVER_ADDRESS.name, attributes[names.SYSTEM.name])
    if port := attributes.get(names.SERVER_PORT.name):
        server = f"{server}:{port}"
    return f"{server}/{attributes.get(names.NAMESPACE.name, '')}".removesuffix("/")


def _hosts(url: URL) -> tuple[str | None, int | None]:
    """Return the host and its port; several hosts by commas, with their ports."""
    if url.host:
        return url.host, url.port
    given = url.query.get("host", ())
    hosts = given.split(",") if isinstance(given, str) else list(given)
    if len(hosts) != 1 or hosts[0].startswith("/"):
        return ",".join(hosts) or None, None
    host, _, port = hosts[0].partition(":")
    port = port or _query(url, "port") or ""
    return host, int(port) if port.isdecimal() else None


def _query(url: URL, key: str) -> str | None:
    value = url.query.get(key)
    return value if isinstance(value, str) else None
