"""Whatever a literal holds, and however it is written, nothing of it is kept."""

import types

import pytest
import sqlalchemy

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import mssql, mysql, oracle, postgresql, sqlite

from otel_flow.instrumentation.sqlalchemy.lexer import grammar_of
from otel_flow.instrumentation.sqlalchemy.statement import analyse


SECRET = "zqsecret"
NUMBER = "90731"

# What could make a reader lose its way, between pieces of the secret.
_PIECES = st.sampled_from(
    [SECRET, " ", "'", '"', "\\", "`", "--", "/*", "*/", "$$", "$t$", "[", "]", ";", "\n", "#"]
)
contents = st.builds(
    lambda before, after: "".join([*before, SECRET, *after]),
    st.lists(_PIECES, max_size=6),
    st.lists(_PIECES, max_size=2),
)
numbers = st.sampled_from(
    [NUMBER, f"{NUMBER}.{NUMBER}", f".{NUMBER}", f"1e{NUMBER}", f"0x{NUMBER}"]
)


def doubled(text):
    return "'" + text.replace("'", "''") + "'"


def escaped(text, quote="'"):
    return quote + text.replace("\\", "\\\\").replace(quote, "\\" + quote) + quote


def dollars(text):
    return f"$tag_1${text}$tag_1$"


def brackets(text):
    return "q'[" + text.replace("]'", "") + " ]'"


def line_comment(text):
    return "-- " + text.replace("\n", "") + "\n"


def block_comment(text):
    return "/* " + text.replace("*/", "").replace("/*", "") + " */"


def nested_comment(text):
    return f"/* {block_comment(text)} {text.replace('*/', '').replace('/*', '')} */"


STRINGS = {
    "postgresql": [doubled, lambda text: "E" + escaped(text), dollars],
    "mysql": [escaped, lambda text: escaped(text, '"')],
    "sqlite": [doubled],
    "mssql": [doubled, lambda text: "N" + doubled(text)],
    "oracle": [doubled, brackets],
    "unheard_of": [doubled, escaped],
}
COMMENTS = {
    "postgresql": [line_comment, block_comment, nested_comment],
    "mysql": [line_comment, block_comment, lambda text: "#" + text.replace("\n", "") + "\n"],
}
DIALECTS = {
    "postgresql": postgresql.dialect,
    "mysql": mysql.dialect,
    "sqlite": sqlite.dialect,
    "mssql": mssql.dialect,
    "oracle": oracle.dialect,
}
TEMPLATES = (
    "SELECT {}, a {} FROM t WHERE b = {} {} AND c IN ({}, {})",
    "INSERT INTO t (a, b) {} VALUES ({}, {}), ({}, {}) {}",
    "UPDATE t SET a = {}, b = {} {} WHERE c LIKE {} OR d BETWEEN {} AND {}",
    "WITH x AS (SELECT {} {}) SELECT * FROM x, {} JOIN t ON {} = {} {}",
    "{} {} {} {} {} {}",
)


def leaks(found):
    kept = f"{found.text} {found.summary} {found.operation} {found.collection}".lower()
    return SECRET[:4] in kept or NUMBER in kept


@pytest.mark.parametrize("dialect", STRINGS)
@settings(deadline=None)
@given(data=st.data())
def test_no_literal_survives(dialect, data):
    """No string, number or comment of a dialect is left in text or summary, not of a cut text."""
    comments = COMMENTS.get(dialect, [line_comment, block_comment])
    value = st.one_of(
        st.builds(lambda write, text: write(text), st.sampled_from(STRINGS[dialect]), contents),
        st.builds(lambda write, text: write(text), st.sampled_from(comments), contents),
        numbers,
    )
    template = data.draw(st.sampled_from(TEMPLATES))
    sql = template.format(*(data.draw(value) for _ in range(6)))
    cut = sql[: data.draw(st.integers(0, len(sql)))]
    grammar = grammar_of(types.SimpleNamespace(name=dialect))

    assert not leaks(analyse(sql, grammar)), sql
    assert not leaks(analyse(cut, grammar)), cut


@pytest.mark.parametrize("dialect", DIALECTS)
@settings(deadline=None)
@given(text=contents)
def test_no_literal_that_sqlalchemy_renders_survives(dialect, text):
    """What SQLAlchemy itself writes into a statement for ``literal_binds`` is not kept."""
    table = sqlalchemy.table("t", sqlalchemy.column("a", sqlalchemy.String))
    made = DIALECTS[dialect]()
    statement = sqlalchemy.select(table).where(
        table.c.a == text, table.c.a.in_([text, "x"]), table.c.a != "y"
    )

    sql = str(statement.compile(dialect=made, compile_kwargs={"literal_binds": True}))

    assert SECRET in sql
    found = analyse(sql, grammar_of(made))
    assert not leaks(found), sql
    assert found.summary == "SELECT t"
