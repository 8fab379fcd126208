"""What the terminal shows of traces, records and operations."""

import io

import pytest

from rich.console import Console

from otel_flow.demo.choice import Choice
from otel_flow.demo.filters import Filter
from otel_flow.demo.statistics import Statistics
from otel_flow.demo.story import Story, Trace
from otel_flow.demo.tree import LONGEST, tree_lines
from otel_flow.demo.view import View
from tests.demo.arrivals import MS, batch, exception, record, server_span, span


class Clock:
    """A time that moves when it is told to."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def console(width=100, **options):
    return Console(file=io.StringIO(), width=width, highlight=False, **options)


def shown(trace, width=100, **options):
    screen = console(width, **options)
    View(screen).trace(trace)
    return screen.file.getvalue()


def order_trace():
    return Trace(
        "a" * 32,
        spans=(
            server_span("01", "POST /orders", 202, end=50 * MS),
            span("03", "01", service="worker", start=20 * MS, end=40 * MS, status="error"),
            span("02", "01", start=2 * MS, end=4 * MS, events=(exception(time=3 * MS),)),
        ),
        records=(
            record("01", "order.placed", time=10 * MS, attributes={"order_id": 17}),
            record("03", "card.refused", time=30 * MS, severity_number=13),
        ),
    )


def test_the_tree_follows_parents_and_time():
    """Children, exceptions and log lines hang below their span in the order they happened."""
    found = [(line.kind, line.text, len(line.last)) for line in tree_lines(order_trace())]

    assert found == [
        ("span", "POST /orders", 0),
        ("span", "span 02", 1),
        ("exception", "ValueError", 2),
        ("record", "order.placed", 1),
        ("span", "span 03", 1),
        ("record", "card.refused", 2),
    ]


def test_the_tree_as_it_is_printed():
    """A line holds the name, the status, the service and the duration; a log line its keys."""
    text = shown(order_trace())

    lines = [line.rstrip() for line in text.splitlines()]
    assert lines[0] == f"trace {'a' * 32}"
    assert lines[1].startswith("POST /orders 202")
    assert lines[1].split()[-4:-1] == ["shop", "50.0", "ms"]
    assert lines[2].startswith("├─ span 02")
    assert lines[3].startswith("│ └─ ✗ ValueError: boom")
    assert lines[4].startswith("├─ INFO  order.placed order_id=17")
    assert lines[5].startswith("└─ span 03")
    assert "worker" in lines[5]
    assert lines[6].startswith("  └─ WARN  card.refused")


def test_the_timeline_shows_when():
    """On a wide terminal a bar tells when each span ran; the first one fills it."""
    lines = shown(order_trace(), 110).splitlines()

    assert lines[1].rstrip().endswith("━" * 24)
    assert lines[5].rstrip().endswith("━" * 10)


@pytest.mark.parametrize("width", [20, 40, 60, 80, 200])
def test_no_line_is_wider_than_the_terminal(width):
    """However narrow the terminal, nothing wraps."""
    assert max(len(line) for line in shown(order_trace(), width).splitlines()) <= width


def test_ascii_terminals_get_ascii():
    """A terminal that knows no Unicode gets none."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    screen = Console(file=stream, width=110)
    View(screen).trace(order_trace())
    stream.flush()

    assert b"|- span 02" in stream.buffer.getvalue()


def test_errors_are_red_where_there_is_colour():
    """Colours are for terminals, errors among them red."""
    coloured = shown(order_trace(), force_terminal=True, color_system="standard")

    assert "\x1b[1;31mspan 03" in coloured
    assert "\x1b" not in shown(order_trace())


def test_what_services_send_controls_no_terminal():
    """Escape sequences and markup in names and messages are shown, not obeyed."""
    trace = Trace(
        "a" * 32,
        spans=(span("01", name="\x1b[2Jgone", events=(exception("[red]\x07"),)),),
        records=(record("01", "a\nb", attributes={"k": "\x1b]0;t"}),),
    )

    text = shown(trace)

    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\\x1b[2Jgone" in text
    assert "[red]\\x07" in text
    assert "a\\nb k=\\x1b]0;t" in text


def test_what_repeats_the_span_is_left_out():
    """Of a log line's keys those that the span above has are not repeated."""
    attributes = {"http.route": "/", "code.line.number": 7, "request_id": "a" * 32, "kept": 1}
    trace = Trace("a" * 32, (span("01"),), (record("01", attributes=attributes),))

    assert [line.detail for line in tree_lines(trace)] == ["", "kept=1"]


def test_spans_that_are_each_others_parents_are_shown_once():
    """A trace that is no tree ends all the same, with every span in it."""
    trace = Trace("a" * 32, (span("01", "02"), span("02", "01"), span("03", "03")), ())

    assert sorted(line.text for line in tree_lines(trace)) == ["span 01", "span 02", "span 03"]


def chain(length):
    spans = (span(f"{n:04}", f"{n - 1:04}" if n else "", start=n) for n in range(length))
    return Trace("a" * 32, tuple(spans), ())


def test_deep_and_long_traces_are_cut():
    """A chain of thousands of spans becomes the first lines and a count."""
    lines = tree_lines(chain(3000))

    assert len(lines) == LONGEST + 1
    assert lines[-1].text == "2940 more lines"


def test_a_count_takes_the_place_of_no_single_line():
    """Where one line is too many, it is shown, since its count would be as long."""
    assert {line.kind for line in tree_lines(chain(LONGEST + 1))} == {"span"}
    assert tree_lines(chain(LONGEST + 2))[-1].text == "2 more lines"


def test_records_outside_traces_are_lines():
    """A record without a trace is one line with its service."""
    screen = console()
    View(screen).records([record(body="started", severity_number=17)])

    assert screen.file.getvalue() == "shop ERROR started \n"


def test_operations():
    """Routes, tasks and queries get rate, errors, median and 95th percentile."""
    statistics = Statistics()
    query = {"db.system.name": "sqlite", "db.query.summary": "SELECT products"}
    statistics.add(
        [
            *(server_span(f"{n}", end=n * MS, status=200) for n in range(1, 100)),
            span("q", kind="client", attributes=query, end=3000 * MS, status="error"),
            span("t", kind="consumer", attributes={"celery.task.name": "receipt"}),
            span("c", kind="client", name="GET"),
            span("i"),
        ]
    )

    rows = statistics.rows()

    assert [(row.operation, row.name, row.count, row.errors) for row in rows] == [
        ("route", "GET /", 99, 0),
        ("task", "receipt", 1, 0),
        ("query", "SELECT products", 1, 1),
        ("call", "GET", 1, 0),
    ]
    assert (rows[0].p50, rows[0].p95) == (0.05, 0.095)
    screen = console(80)
    screen.print(View(screen).render_operations(rows))
    line = next(line for line in screen.file.getvalue().splitlines() if "SELECT" in line)
    assert line.split() == [
        "query",
        "SELECT",
        "products",
        "1",
        "1.0",
        "1",
        "3.00",
        "s",
        "3.00",
        "s",
    ]


def test_operations_of_the_last_minute(clock):
    """What is older than a minute does not count."""
    statistics = Statistics(clock)
    statistics.add([server_span("1")])
    clock.now += 30
    statistics.add([server_span("2")])
    clock.now += 31

    (row,) = statistics.rows()
    clock.now += 30

    assert (row.count, round(row.rate, 3)) == (1, 0.017)
    assert statistics.rows() == []


def test_operations_are_bounded():
    """Names without end share one row."""
    statistics = Statistics()
    statistics.add([server_span("1", f"GET /{number}") for number in range(1000)])

    rows = statistics.rows()

    assert len(rows) == 201
    assert rows[0].name == "(further ones)"


def test_a_trace_is_told_when_it_is_quiet(clock):
    """A trace whose spans have their parents is told after the pause, once."""
    story = Story(settle=1.0, clock=clock)
    story.add(batch(span("01"), record("01")))
    assert story.finished() == []
    clock.now += 1

    (trace,) = story.finished()

    assert (len(trace.spans), len(trace.records), trace.again) == (1, 1, False)
    assert story.finished() == []


def test_a_trace_without_its_root_is_waited_for(clock):
    """While a parent is missing the pause is longer."""
    story = Story(settle=1.0, clock=clock)
    story.add(batch(span("02", "01")))
    clock.now += 2
    assert story.finished() == []
    clock.now += 1

    assert [trace.is_whole for trace in story.finished()] == [False]


def test_what_comes_late_is_told_with_the_rest(clock):
    """A span after the telling has the whole trace told again."""
    story = Story(settle=1.0, clock=clock)
    story.add(batch(span("01")))
    clock.now += 1
    story.finished()
    story.add(batch(span("02", "01")))
    clock.now += 1

    (trace,) = story.finished()

    assert (len(trace.spans), trace.again) == (2, True)
    assert "(more has arrived)" in shown(trace)


def test_the_story_is_bounded(clock):
    """Of too many traces the oldest are forgotten; of loose records as well."""
    story = Story(settle=1.0, clock=clock)
    for number in range(600):
        story.add(batch(span("01", trace_id=f"{number:032}"), record()))
    story.add(batch(*(span(f"{n}", trace_id="big") for n in range(2500))))

    traces = story.finished(everything=True)

    assert len(traces) == 500
    assert max(len(trace.spans) for trace in traces) <= 2000
    assert len(story.loose()) == 600
    assert story.loose() == []


def traces(*names):
    return [Trace(f"{n:032}", (span("01", name=name),), ()) for n, name in enumerate(names)]


def names(chosen):
    return [trace.spans[0].name for trace in chosen]


def test_each_kind_once():
    """With once_each the first trace of every kind is shown, the others are counted."""
    choice = Choice(once_each=True)

    assert names(choice.among(traces("a", "a", "b"))) == ["a", "b"]
    assert names(choice.among(traces("b", "c"))) == ["c"]
    assert choice.withheld == 2


def test_kinds_not_seen_for_longest_come_first(clock):
    """With a rate, the kind that was shown least recently is next."""
    choice = Choice(per_second=1, clock=clock)
    assert names(choice.among(traces("a", "b"))) == ["a"]
    clock.now += 1
    assert names(choice.among(traces("a", "b"))) == ["b"]
    assert choice.among(traces("a")) == []
    clock.now += 1

    assert names(choice.among(traces("b", "a"))) == ["a"]


def test_what_is_tried_by_hand_is_shown_whole(clock):
    """After a silence a burst of traces is let through, in the order in which they came."""
    choice = Choice(per_second=1, burst=4, clock=clock)
    assert names(choice.among(traces("a"))) == ["a"]
    clock.now += 10

    assert names(choice.among(traces("a", "c", "b", "a", "b"))) == ["a", "c", "b", "b"]
    assert choice.withheld == 1


def test_no_rate_withholds_nothing(clock):
    """Without a rate everything is shown, at whatever moment it comes."""
    choice = Choice(clock=clock)

    assert names(choice.among(traces("a", "a", "b"))) == ["a", "a", "b"]
    assert names(choice.among(traces("b", "a"))) == ["b", "a"]
    assert choice.withheld == 0


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Filter(), True),
        (Filter(services=frozenset({"worker"})), True),
        (Filter(services=frozenset({"other"})), False),
        (Filter(trace_id="aa"), True),
        (Filter(trace_id="ab"), False),
        (Filter(errors=True), True),
        (Filter(severity=13), True),
        (Filter(severity=17), False),
    ],
)
def test_filters_of_traces(wanted, found):
    """A trace is wanted whole by service, id, severity and errors."""
    assert wanted.wants(order_trace()) is found


def test_filters_of_items():
    """For JSON each item is wanted by itself."""
    everything = batch(*order_trace().spans, *order_trace().records)

    of_worker = Filter(services=frozenset({"worker"})).of(everything)
    failed = Filter(errors=True).of(everything)
    warned = Filter(severity=13).of(everything)

    assert [len(of_worker.spans), len(of_worker.records)] == [1, 0]
    assert [len(failed.spans), len(failed.records)] == [1, 0]
    assert [len(warned.spans), len(warned.records)] == [0, 1]
