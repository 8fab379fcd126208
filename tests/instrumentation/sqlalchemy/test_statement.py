"""What is read from a statement: operations, tables, and a text without its values."""

import types

import pytest

from otel_flow.instrumentation.sqlalchemy.lexer import grammar_of
from otel_flow.instrumentation.sqlalchemy.statement import MAX_TEXT, analyse


def read(sql, dialect="postgresql", **options):
    return analyse(sql, grammar_of(types.SimpleNamespace(name=dialect, **options)))


@pytest.mark.parametrize(
    ("sql", "operation", "collection", "summary"),
    [
        ("SELECT 1", "SELECT", None, "SELECT"),
        ("select a from t", "select", "t", "select t"),
        ("SELECT * FROM wuser_table WHERE username = ?", "SELECT", "wuser_table", None),
        ("SELECT * FROM songs, artists WHERE a = b", "SELECT", None, "SELECT songs artists"),
        ("SELECT * FROM a x LEFT JOIN s.b AS y USING (i), c", "SELECT", None, "SELECT a s.b c"),
        (
            "SELECT * FROM (a JOIN b ON a.i = b.i) JOIN c ON true, d",
            "SELECT",
            None,
            "SELECT a b c d",
        ),
        ("SELECT * FROM t AS a JOIN t AS b ON a.i = b.j", "SELECT", "t", "SELECT t t"),
        (
            "INSERT INTO shipping_details (order_id) SELECT order_id FROM orders",
            "INSERT",
            None,
            "INSERT shipping_details SELECT orders",
        ),
        (
            "SELECT d FROM (SELECT * FROM orders o JOIN customers c ON o.i = c.i)",
            "SELECT",
            None,
            "SELECT SELECT orders customers",
        ),
        ("SELECT a FROM x UNION ALL SELECT b FROM y", "SELECT", None, "SELECT x SELECT y"),
        ("(SELECT a FROM x) UNION (SELECT b FROM y)", "SELECT", None, "SELECT x SELECT y"),
        ("INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 2", "INSERT", "t", "INSERT t"),
        ("UPDATE t SET a = (SELECT b FROM u) FROM v", "UPDATE", None, "UPDATE t SELECT u v"),
        ("DELETE FROM t USING u WHERE t.i = u.i", "DELETE", None, "DELETE t u"),
        ("DELETE FROM ONLY t", "DELETE", "t", "DELETE t"),
        ("SELECT a FROM t ORDER BY b, c FOR UPDATE OF t SKIP LOCKED", "SELECT", "t", "SELECT t"),
        ("TRUNCATE TABLE a, b", "TRUNCATE", None, "TRUNCATE a b"),
        ("CREATE TABLE IF NOT EXISTS s.t (a int)", "CREATE TABLE", "s.t", "CREATE TABLE s.t"),
        ("CREATE TABLE n AS SELECT * FROM o", "CREATE TABLE", None, "CREATE TABLE n SELECT o"),
        ("CREATE UNIQUE INDEX i ON t (a)", "CREATE INDEX", None, "CREATE INDEX i"),
        ("DROP TABLE t", "DROP TABLE", "t", "DROP TABLE t"),
        ("SAVEPOINT sa_savepoint_7", "SAVEPOINT", None, "SAVEPOINT"),
        ("CALL settle(1)", "CALL", None, "CALL settle"),
        ("COPY t FROM STDIN", "COPY", "t", "COPY t"),
        ("SET LOCAL work_mem = '1MB'", "SET", None, "SET"),
        ("SELECT 1; DELETE FROM t", "SELECT", "t", "SELECT DELETE t"),
        ("EXPLAIN (ANALYZE, VERBOSE) SELECT * FROM t", "EXPLAIN", "t", "EXPLAIN SELECT t"),
        ("", None, None, ""),
        ("-- nothing", None, None, ""),
    ],
)
def test_operations_and_tables(sql, operation, collection, summary):
    """The summary has operations and tables in order; a collection is named if it is the only one."""
    found = read(sql)

    assert (found.operation, found.collection) == (operation, collection)
    assert found.summary == (summary if summary is not None else f"{operation} {collection}")


@pytest.mark.parametrize(
    ("sql", "operation", "summary"),
    [
        (
            "WITH c AS (SELECT * FROM a) SELECT * FROM c JOIN d ON true",
            "SELECT",
            "SELECT a SELECT d",
        ),
        ("WITH c (x, y) AS MATERIALIZED (SELECT 1 FROM a) DELETE FROM d", "DELETE", None),
        (
            "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n FROM c) SELECT * FROM c",
            "SELECT",
            "SELECT SELECT SELECT",
        ),
        (
            "WITH a AS (INSERT INTO t VALUES (1) RETURNING i), b AS (SELECT 1) UPDATE u SET x = 1",
            "UPDATE",
            "INSERT t SELECT UPDATE u",
        ),
        ("INSERT INTO t (a) WITH x AS (SELECT 1 FROM q) SELECT * FROM x", "INSERT", None),
    ],
)
def test_common_tables_are_no_tables(sql, operation, summary):
    """A WITH clause lends its operations to the summary, neither its names nor the main operation."""
    found = read(sql)

    assert found.operation == operation
    assert summary in {None, found.summary}
    assert not {"a", "b", "c", "x"} & set(found.summary.split()) - {"a"}


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT EXTRACT(year FROM created), trim(both from x), substring(y FROM 2) FROM t",
        "SELECT a FROM t WHERE a IS NOT DISTINCT FROM b",
        "SELECT g, x, t.a FROM generate_series(1, 2) g, unnest(t.a) x, t",
        "SELECT t.update, t.from FROM t",
        "SELECT a FROM t CROSS JOIN LATERAL f(t.a) AS x",
        "SELECT replace(a, 'x', 'y') FROM t",
        "SELECT a FROM t WHERE b IN (1, 2) GROUP BY a, b HAVING count(*) > 1 LIMIT 3",
    ],
)
def test_what_only_looks_like_a_table(sql):
    """Functions, FROM inside a function, columns and clauses add no table."""
    assert read(sql).summary == "SELECT t"


@pytest.mark.parametrize(
    ("dialect", "sql", "summary"),
    [
        (
            "postgresql",
            'SELECT * FROM public."song list", "user"',
            'SELECT public."song list" "user"',
        ),
        ("mysql", "DELETE FROM `or``der` WHERE a = 1", "DELETE `or``der`"),
        ("mysql", "INSERT IGNORE INTO t (a) VALUES (1) ON DUPLICATE KEY UPDATE a = 2", "INSERT t"),
        ("mysql", "REPLACE INTO t SET a = REPLACE(b, 'x', 'y')", "REPLACE t"),
        ("mysql", "UPDATE a, b SET a.x = b.x", "UPDATE a b"),
        ("sqlite", 'SELECT "user"."a" FROM "user", "order"', 'SELECT "user" "order"'),
        ("sqlite", "INSERT OR REPLACE INTO [my t] (a) VALUES (1)", "INSERT [my t]"),
        (
            "mssql",
            "SELECT [a].[b] FROM [dbo].[user] WITH (NOLOCK), #tmp",
            "SELECT [dbo].[user] #tmp",
        ),
        ("mssql", "INSERT INTO t (a) OUTPUT inserted.id VALUES (?)", "INSERT t"),
        ("mssql", "MERGE INTO t USING s ON 1=1 WHEN MATCHED THEN UPDATE SET a=1;", "MERGE t s"),
        ("oracle", "DELETE emp WHERE a = :1", "DELETE emp"),
    ],
)
def test_quoting_of_dialects(dialect, sql, summary):
    """Names are taken as each dialect quotes them, and shown as they were written."""
    assert read(sql, dialect).summary == summary


@pytest.mark.parametrize(
    ("dialect", "sql", "text"),
    [
        ("postgresql", "SELECT 'it''s', 1.5e-3, 0xFF, true FROM t", "SELECT ?, ?, ?, ? FROM t"),
        ("postgresql", r"SELECT 'C:\' , 'x'", "SELECT ? , ?"),
        ("postgresql", r"SELECT E'a\'b', U&'x', $$y'z$$, $q$ $$ $q$", "SELECT ?, U&?, ?, ?"),
        ("postgresql", "SELECT a[1:2], b::text -- c'd\n FROM t", "SELECT a[?:?], b::text FROM t"),
        ("postgresql", "SELECT /* x /* y */ 'z' */ 1", "SELECT ?"),
        (
            "postgresql",
            "WHERE a = $1 AND b = %(b)s AND c = :c",
            "WHERE a = $1 AND b = %(b)s AND c = :c",
        ),
        ("postgresql", "WHERE a IN ($1, $2,\n $3)", "WHERE a IN (?)"),
        ("postgresql", "WHERE a IN ($1)", "WHERE a IN ($1)"),
        ("postgresql", "WHERE a IN (1, b)", "WHERE a IN (?, b)"),
        ("mysql", r"""SELECT 'a\'b', "c\"d" # it's""", "SELECT ?, ?"),
        ("mysql", "SELECT 5--1", "SELECT ?--?"),
        ("sqlite", 'SELECT "a"."b" FROM t WHERE c = "d"', 'SELECT "a"."b" FROM t WHERE c = ?'),
        ("mssql", "SELECT N'x', $9.5, @p1", "SELECT N?, $?, @p1"),
        ("oracle", "SELECT q'[it's]', :1 FROM t", "SELECT ?, :1 FROM t"),
        ("oracle", "ALTER USER scott IDENTIFIED BY tiger", "ALTER USER scott IDENTIFIED BY ?"),
        ("bigquery", r"SELECT 'a' FROM t WHERE b = 'c\'d'", "SELECT ? FROM t WHERE b = ?"),
        ("postgresql", "SELECT 'never closed FROM t", "SELECT ?"),
    ],
)
def test_the_text_has_no_values(dialect, sql, text):
    """Literals are replaced and comments dropped by the dialect's own rules; parameters stay."""
    assert read(sql, dialect).text == text


def test_what_the_server_is_set_to():
    """Backslashes and double quotes are read as the connected server is configured."""
    escaped = r"SELECT 'a\' , b'"

    assert read(escaped, _backslash_escapes=True).text == "SELECT ?"
    assert read(escaped, _backslash_escapes=False).text == "SELECT ? , b?"
    assert read('SELECT "x"', "mysql").text == "SELECT ?"
    assert read('SELECT "x"', "mysql", _server_ansiquotes=True).text == 'SELECT "x"'


def test_fingerprints_ignore_values_and_their_number():
    """Statements that differ in literals, parameters or lengths of lists share a fingerprint."""
    same = {
        read(sql).fingerprint
        for sql in (
            "SELECT a FROM t WHERE b IN (1, 2, 3) AND c = 'x'",
            "SELECT a\nFROM t WHERE b IN (%(b)s) AND c = $1 -- why",
        )
    }
    rows = {
        read(f"INSERT INTO t VALUES {rows}").fingerprint
        for rows in ("(1, 2)", "(1, 2), (3, 4)", "($1,$2),($3,$4),($5,$6)")
    }

    assert len(same) == len(rows) == 1
    assert same.isdisjoint({read("SELECT a FROM u WHERE b IN (1) AND c = 'x'").fingerprint})


def test_long_statements_are_cut():
    """Text and summary are bounded; a summary is cut between names, not inside one."""
    found = read("SELECT " + ", ".join(f"column_{n}" for n in range(9000)) + " FROM t")
    many = read("SELECT * FROM " + ", ".join(f"table_{n}" for n in range(99)))

    assert len(found.text) == MAX_TEXT
    assert found.summary == "SELECT"
    assert len(many.summary) <= 255
    assert many.summary.rpartition(" ")[2] in {f"table_{n}" for n in range(99)}
