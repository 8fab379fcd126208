"""Names of database and cache clients (semantic conventions: database spans and metrics)."""

from __future__ import annotations

from otel_flow.names.model import Attribute, Event, Metric, Span


SYSTEM = Attribute(name="db.system.name", type="string", brief="The product: postgresql, redis.")
NAMESPACE = Attribute(name="db.namespace", type="string", brief="The database that was asked.")
OPERATION = Attribute(
    name="db.operation.name", type="string", brief="The operation: SELECT, GET, PIPELINE."
)
COLLECTION = Attribute(
    name="db.collection.name", type="string", brief="The table; absent where there are several."
)
SUMMARY = Attribute(
    name="db.query.summary", type="string", brief="Operations and tables, in order, no values."
)
TEXT = Attribute(
    name="db.query.text", type="string", brief="The statement; literals are replaced by ?."
)
BATCH_SIZE = Attribute(
    name="db.operation.batch.size", type="int", brief="How many operations one call carried."
)
STATUS_CODE = Attribute(
    name="db.response.status_code", type="string", brief="The database's own error code."
)
ERROR_TYPE = Attribute(
    name="error.type", type="string", brief="The exception's class; absent on success."
)
SERVER_ADDRESS = Attribute(name="server.address", type="string", brief="The server's host.")
SERVER_PORT = Attribute(name="server.port", type="int", brief="The server's port.")
POOL_NAME = Attribute(
    name="db.client.connection.pool.name",
    type="string",
    brief="host:port/database of the pool, unless it has a name.",
    stability="development",
)
STATE = Attribute(
    name="db.client.connection.state",
    type="string",
    brief="idle or used.",
    stability="development",
)
FINGERPRINT = Attribute(
    name="otel_flow.db.fingerprint",
    type="string",
    brief="Equal for statements that differ in their literals only.",
    stability="otel_flow",
)
DURATION = Attribute(
    name="otel_flow.db.duration",
    type="double",
    brief="Seconds that the operation took, on log records.",
    stability="otel_flow",
)

BLOCKING = Attribute(
    name="otel_flow.db.blocking",
    type="boolean",
    brief="The command waits until something happens, such as BLPOP; absent on others.",
    stability="otel_flow",
)

OPERATION_BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)
"""Bucket bounds that the conventions advise for durations of database operations, in seconds."""

OPERATION_DURATION = Metric(
    name="db.client.operation.duration",
    unit="s",
    instrument="histogram",
    brief="Duration of database client operations.",
    attributes=(
        SYSTEM,
        NAMESPACE,
        OPERATION,
        COLLECTION,
        SUMMARY,
        STATUS_CODE,
        ERROR_TYPE,
        SERVER_ADDRESS,
        SERVER_PORT,
        BLOCKING,
    ),
    buckets=OPERATION_BUCKETS,
)


def _pool(name: str, unit: str, instrument: str, brief: str, *, state: bool = False) -> Metric:
    return Metric(
        name=f"db.client.connection.{name}",
        unit=unit,
        instrument=instrument,  # type: ignore[arg-type]
        brief=brief,
        attributes=(POOL_NAME, STATE) if state else (POOL_NAME,),
        buckets=OPERATION_BUCKETS if instrument == "histogram" else (),
        observed=instrument != "histogram",
        stability="development",
    )


POOL_COUNT = _pool(
    "count", "{connection}", "updowncounter", "Connections by their state.", state=True
)
POOL_MAX = _pool("max", "{connection}", "updowncounter", "Connections that the pool allows.")
POOL_PENDING = _pool(
    "pending_requests", "{request}", "updowncounter", "Callers that wait for a connection."
)
POOL_TIMEOUTS = _pool(
    "timeouts", "{timeout}", "counter", "Callers that waited for a connection in vain."
)
POOL_CREATE_TIME = _pool("create_time", "s", "histogram", "Time to create a connection.")
POOL_WAIT_TIME = _pool(
    "wait_time", "s", "histogram", "Time to obtain an open connection from the pool."
)
POOL_USE_TIME = _pool(
    "use_time", "s", "histogram", "Time from borrowing a connection to returning it."
)

SLOW_QUERY = Event(
    name="otel_flow.db.slow_query",
    severity="WARN",
    brief="A statement took longer than OTEL_FLOW_SLOW_QUERY.",
    attributes=(SYSTEM, NAMESPACE, SUMMARY, FINGERPRINT, DURATION),
)

STATEMENT = Span(
    name="{db.query.summary}",
    kind="CLIENT",
    brief="A statement that a database runs.",
    attributes=(
        SYSTEM,
        NAMESPACE,
        OPERATION,
        COLLECTION,
        SUMMARY,
        TEXT,
        BATCH_SIZE,
        STATUS_CODE,
        ERROR_TYPE,
        SERVER_ADDRESS,
        SERVER_PORT,
    ),
)
COMMAND = Span(
    name="{db.operation.name}",
    kind="CLIENT",
    brief="A command of Redis, or a pipeline of them; its arguments are not recorded.",
    attributes=(
        SYSTEM,
        NAMESPACE,
        OPERATION,
        BATCH_SIZE,
        STATUS_CODE,
        ERROR_TYPE,
        SERVER_ADDRESS,
        SERVER_PORT,
        BLOCKING,
    ),
)

SPANS = (STATEMENT, COMMAND)
METRICS = (
    OPERATION_DURATION,
    POOL_COUNT,
    POOL_MAX,
    POOL_PENDING,
    POOL_TIMEOUTS,
    POOL_CREATE_TIME,
    POOL_WAIT_TIME,
    POOL_USE_TIME,
)
EVENTS = (SLOW_QUERY,)
