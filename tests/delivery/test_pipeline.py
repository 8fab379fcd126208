import threading

from tests.delivery.backend import until


def test_three_signals_arrive(backend, base, build):
    """What the SDK's providers record arrives once when the pipeline is flushed."""
    flow = build(base, delay=60)
    flow.meter.create_counter("orders").add(3)
    for number in range(1000):
        flow.span(number=number)
        flow.log(f"line {number}")

    assert flow.pipeline.force_flush(10)
    assert [s.attributes[0].value.int_value for s in backend.spans()] == list(range(1000))
    assert [r.body.string_value for r in backend.logs()] == [f"line {n}" for n in range(1000)]
    assert [m.name for m in backend.metrics()] == ["orders"]


def test_a_long_text_leaves_whole(backend, base, build):
    """A body of 64 KiB that is full of names arrives whole but for its secret."""
    flow = build(base, delay=60)
    words = "".join(f"key{number}=value{number} " for number in range(3000))
    flow.log(f"{words}password=hunter2")

    assert flow.pipeline.force_flush(20)
    assert [r.body.string_value for r in backend.logs()] == [f"{words}password=[REDACTED]"]


def test_schedule_delay_delivers_without_flush(backend, base, build):
    """Without any flush, items leave after the schedule delay."""
    flow = build(base, delay=0.05)
    flow.span()
    flow.log()

    until(lambda: len(backend.spans()) == 1 and len(backend.logs()) == 1)


def test_metrics_leave_at_the_interval(backend, base, build):
    """Metrics are collected and sent every interval."""
    flow = build(base, metric_interval=0.1)
    flow.meter.create_counter("orders").add(3)

    until(lambda: len(backend.metrics()) >= 2)


def test_unsampled_spans_stay(base, build):
    """A span that is not sampled is not sent."""
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

    flow = build(base)
    flow.tracers.sampler = ALWAYS_OFF
    flow.tracer.sampler = ALWAYS_OFF
    flow.span()

    assert flow.pipeline.force_flush(5)
    assert flow.numbers("traces").produced == 0


def test_items_after_shutdown_are_counted(base, build):
    """What is produced after the shutdown is dropped and counted."""
    flow = build(base)
    flow.pipeline.shutdown(5)
    flow.span()

    assert flow.numbers("traces").dropped == {"queue_full": 1}


def test_hanging_callback_stalls_nothing_else(backend, base, build):
    """Spans arrive while an observable callback hangs, and the flush admits the missing metrics."""
    gate = threading.Event()
    flow = build(base, delay=60)
    flow.meter.create_observable_gauge("stuck", [lambda _: gate.wait(20) and []])
    flow.span()
    delivered = flow.pipeline.force_flush(0.3)
    flow.tracers.force_flush(500)
    gate.set()

    assert not delivered
    until(lambda: len(backend.spans()) == 1)


def test_a_callback_that_hangs_is_named_once(base, build, capsys):
    """A collection that takes longer than it may is said once, however many are due meanwhile."""
    gate = threading.Event()
    flow = build(base, metric_interval=0.05, metric_timeout=0.2)
    flow.meter.create_observable_gauge("stuck", [lambda _: gate.wait(20) and []])
    said = []

    def hangs():
        said.append(capsys.readouterr().err)
        return "hangs in a callback" in said[-1]

    until(hangs)
    gate.set()

    assert "".join(said).count("hangs in a callback") == 1


def test_metrics_that_could_not_be_collected_are_left_behind(base, build, capsys):
    """A shutdown whose last collection hangs says that metrics were left behind."""
    gate = threading.Event()
    flow = build(base, delay=60)
    flow.meter.create_observable_gauge("stuck", [lambda _: gate.wait(20) and []])
    report = flow.pipeline.shutdown(0.3)
    gate.set()

    assert not report
    assert "metrics that could not be collected in time" in capsys.readouterr().err


def test_a_hanging_callback_costs_spans_no_time(backend, base, build):
    """What else waits leaves at the beginning of a flush, not when a hanging callback has used it up."""
    gate = threading.Event()
    flow = build(base, delay=60)
    flow.meter.create_observable_gauge("stuck", [lambda _: gate.wait(20) and []])
    flow.span()
    flush = threading.Thread(target=flow.pipeline.force_flush, args=(20,))
    flush.start()
    until(backend.spans)
    hung = not gate.is_set() and flush.is_alive()
    gate.set()
    flush.join()

    assert hung


def test_nothing_is_collected_before_there_is_a_meter_provider(base, caplog):
    """A start that takes longer than an interval of metrics makes the SDK say nothing."""
    import time

    from otel_flow.delivery import build_pipeline
    from otel_flow.settings import OtlpSettings, Settings

    otlp = OtlpSettings(endpoint=f"{base}/v1/metrics")
    pipeline = build_pipeline(Settings(otlp_metrics=otlp, metric_interval=0.02))
    time.sleep(0.3)
    pipeline.shutdown(0)

    assert [r for r in caplog.records if r.name.startswith("opentelemetry")] == []
