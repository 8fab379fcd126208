import dataclasses

from otel_flow.settings import Settings
from otel_flow.settings.describe import describe, markdown_table
from otel_flow.settings.table import COMMON, LISTED, OTLP, SETTINGS


NOT_IN_THE_TABLE = {"sources", "warnings"}


def rows(settings):
    return {row.setting: row for row in describe(settings)}


def test_every_field_is_described():
    """Each field of the settings, group members included, has its entry in the table."""
    fields = set()
    for field in dataclasses.fields(Settings):
        value = getattr(Settings(), field.name)
        if dataclasses.is_dataclass(value):
            fields |= {f"{field.name}.{member.name}" for member in dataclasses.fields(value)}
        else:
            fields.add(field.name)

    assert rows(Settings()).keys() == fields - NOT_IN_THE_TABLE


def test_rows():
    """A row tells value, source, default and unit; durations are seconds."""
    settings = Settings.from_environ({"OTEL_BSP_SCHEDULE_DELAY": "250"}, service_name="shop")

    row = rows(settings)["span_batch.schedule_delay"]
    assert (row.value, row.text, row.default) == (0.25, "0.25 s", 5.0)
    assert row.source == row.variable == "OTEL_BSP_SCHEDULE_DELAY"
    assert rows(settings)["service_name"].source == "keyword"
    assert rows(settings)["log_format"].source == "default"


def test_rows_of_settings_made_by_hand():
    """Settings that were not read tell what differs from the defaults."""
    described = rows(Settings(service_name="shop"))

    assert described["service_name"].source == "keyword"
    assert described["log_format"].source == "default"


def test_text_of_every_shape():
    """Every value has a text on one line."""
    settings = Settings.from_environ(
        {"OTEL_METRIC_EXPORT_TIMEOUT": "0"},
        log_levels={"a": "INFO", "b": "ERROR"},
        excluded_urls=("/a", "/b"),
    )

    described = rows(settings)
    assert described["metric_timeout"].text == "endless"
    assert described["log_levels"].text == "a=INFO,b=ERROR"
    assert described["excluded_urls"].text == "/a,/b"
    assert described["access_log"].text == "true"
    assert described["queue_bytes"].text == "67108864 bytes"
    assert described["log_file"].text == "-"


def test_markdown_table():
    """The documentation's table has every setting once, with its default as the variable spells it."""
    table = markdown_table()

    lines = table.splitlines()
    assert len(lines) == len(LISTED) + 2
    assert all(line.count(" | ") == 3 for line in lines)
    assert "| `OTEL_BSP_SCHEDULE_DELAY` | `span_batch.schedule_delay` | `5000` ms |" in table
    assert "`…_OTLP_{TRACES,METRICS,LOGS}_HEADERS`" in table
    assert "| `insecure` | `false` |" in table


def test_listed_and_read_agree():
    """What the documentation lists is what is read."""
    fields = [setting.field for setting in SETTINGS if setting not in OTLP]
    fields = [field for field in fields if not field.startswith("proxies.")]

    assert [setting.field for setting in LISTED if setting not in COMMON] == fields


def test_docs_are_sentences():
    """Every entry explains itself in one paragraph that ends in a full stop."""
    for setting in (*SETTINGS, *COMMON):
        assert setting.doc.endswith("."), setting.field
        assert "\n" not in setting.doc
        assert "|" not in setting.doc
