import threading

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
        until(lambda: not traces.ledger.accounting().waiting)
    flow.pipeline.force_flush(5)
    found = values(backend)

    assert found["otel.sdk.processor.span.processed", None, None] == 2
    assert found["otel.sdk.exporter.span.exported", None, None] == 1
    assert found["otel.sdk.exporter.span.exported", "400", None] == 1
    assert found["otel_flow.delivery.possible_duplicates", None, "traces"] == 1
    assert found["otel.sdk.processor.span.queue.capacity", None, None] > 0
    durations = [m for m in backend.metrics() if m.name == "otel.sdk.exporter.operation.duration"]
    assert sum(p.count for p in durations[-1].histogram.data_points) == 3


def test_what_waits_and_what_is_under_way_is_told(backend, base, build):
    """Spans in the queue, and those of the request that is under way, are told apart."""
    asked, answered = threading.Event(), threading.Event()
    flow = build(base, delay=60, logs_exporters=())
    flow.pipeline.attach(flow.meters)
    lane = flow.pipeline._engine.lanes["traces"]
    backend.script.append({"body": b"\n\x00", "halfway": lambda: asked.set() or answered.wait()})
    for _ in range(2):
        flow.span()
    lane.pump()
    assert asked.wait(60)
    for _ in range(3):
        flow.span()
    (reader,) = flow.pipeline.metric_readers
    reader.collect()
    until(lambda: ("otel.sdk.exporter.span.inflight", None, None) in values(backend), 60)
    answered.set()
    found = values(backend)

    assert found["otel.sdk.exporter.span.inflight", None, None] == 2
    assert found["otel.sdk.processor.span.queue.size", None, None] == 3


def points(backend, name):
    """Return the attributes of the latest points of metric *name*."""
    metric = [m for m in backend.metrics() if m.name == name][-1]
    data = getattr(metric, metric.WhichOneof("data")).data_points
    return [{a.key: a.value.string_value or a.value.int_value for a in p.attributes} for p in data]


def test_components_are_named_as_the_conventions_want(backend, base, build):
    """Processor, reader and exporter carry their conventional type; the exporter its address."""
    flow = build(base, delay=60)
    flow.pipeline.attach(flow.meters)
    flow.log()
    flow.pipeline.force_flush(5)
    flow.pipeline.force_flush(5)
    (processor,) = points(backend, "otel.sdk.processor.log.processed")
    (exporter,) = points(backend, "otel.sdk.exporter.metric_data_point.exported")
    (reader,) = points(backend, "otel.sdk.metric_reader.collection.duration")

    assert processor["otel.component.type"] == "batching_log_processor"
    assert exporter["otel.component.type"] == "otlp_http_metric_exporter"
    assert exporter["server.address"] == "127.0.0.1"
    assert exporter["server.port"] == backend.port
    assert reader["otel.component.name"] == "periodic_metric_reader/0"


def test_a_full_queue_is_the_processors_failure(backend, base, build):
    """Spans that found the queue full are told by the processor, and not by the exporter too."""
    flow = build(base, delay=60, queue=4)
    flow.pipeline.attach(flow.meters)
    flow.pipeline._engine._stopped = True
    for _ in range(10):
        flow.span()
    flow.pipeline._engine._stopped = False
    flow.pipeline.force_flush(5)
    found = values(backend)

    assert found["otel.sdk.processor.span.processed", "queue_full", None] == 6
    assert ("otel.sdk.exporter.span.exported", "queue_full", None) not in found


def test_nothing_is_observed_without_a_reader(base, build):
    """Where no metrics are exported, the engine creates no instruments."""
    flow = build(base, metrics_exporters=())
    flow.pipeline.attach(flow.meters)

    assert [scope.name for scope in flow.meters._meters] == ["test"]
