from tests.delivery.backend import until


def values(backend):
    """Return the latest value of each number metric, by name and error type."""
    found = {}
    for metric in backend.metrics():
        for point in [*metric.sum.data_points, *metric.gauge.data_points]:
            attributes = {a.key: a.value.string_value for a in point.attributes}
            key = (metric.name, attributes.get("error.type"), attributes.get("otel_flow.signal"))
            found[key] = point.as_int
    return found


def test_engine_describes_itself(backend, base, build):
    """Processed, exported, refused and possibly doubled spans are told by the engine's metrics."""
    backend.script += [{"status": 400}, {"drop": True}]
    flow = build(base, delay=60, logs_exporters=())
    flow.pipeline.attach(flow.meters)
    traces = flow.pipeline._engine.lanes["traces"]
    for _ in range(2):
        flow.span()
        traces.pump()
        until(lambda: not traces.accounting().waiting)
    flow.pipeline.force_flush(5)
    found = values(backend)

    assert found["otel.sdk.processor.span.processed", None, None] == 2
    assert found["otel.sdk.exporter.span.exported", None, None] == 1
    assert found["otel.sdk.exporter.span.exported", "HTTP 400", None] == 1
    assert found["otel_flow.delivery.possible_duplicates", None, "traces"] == 1
    assert found["otel.sdk.processor.span.queue.capacity", None, None] > 0
    durations = [m for m in backend.metrics() if m.name == "otel.sdk.exporter.operation.duration"]
    assert sum(p.count for p in durations[-1].histogram.data_points) == 3
