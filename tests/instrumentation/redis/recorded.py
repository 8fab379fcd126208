"""What was recorded of Redis, in short."""

from otel_flow.instrumentation import redis as ours


DURATION = "db.client.operation.duration"
POOL = "db.client.connection"


def instrument_all(recording):
    """Record every client until the telemetry ends, and no other library; return the undo."""
    undo = ours.instrument(telemetry=recording.telemetry)
    recording.telemetry.at_shutdown(undo)
    return undo


def names(recording):
    """The names of the spans, in the order of their ends."""
    return [span.name for span in recording.spans()]


def numbers(recording, metric):
    """The sums of a pool metric over the pools, by state, or the only one."""
    sums = {}
    for point in recording.points(f"{POOL}.{metric}"):
        state = point.attributes.get(f"{POOL}.state")
        sums[state] = sums.get(state, 0) + point.value
    return sums.get(None, sums)


def requests(recording):
    """The requests of caches, by name, operation and result."""
    return {
        tuple(
            point.attributes[f"otel_flow.cache.{key}"] for key in ("name", "operation", "result")
        ): (point.value)
        for point in recording.points("otel_flow.cache.requests")
    }
