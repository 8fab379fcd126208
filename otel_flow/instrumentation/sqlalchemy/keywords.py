"""The words of SQL that say where operations begin and where tables stand, in capitals."""

from __future__ import annotations


OPERATIONS = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE", "TRUNCATE"})
CLAUSE_BEFORE = frozenset({"FOR", "ON", "DO", "KEY", "THEN", "OR", ",", "."})
"""Words after which UPDATE, DELETE, … belong to a clause: FOR UPDATE, INSERT OR REPLACE."""
FUNCTIONS = frozenset({"INSERT", "REPLACE", "TRUNCATE"})
"""Operations that are functions where a parenthesis follows."""
PREFIXES = frozenset({"EXPLAIN", "DESCRIBE", "DESC"})
"""Commands that are about the statement which follows."""
DEFINITIONS = frozenset({"CREATE", "ALTER", "DROP"})
DEFINED = frozenset(
    {
        *("TABLE", "INDEX", "VIEW", "SCHEMA", "DATABASE", "SEQUENCE", "TYPE", "DOMAIN"),
        *("FUNCTION", "PROCEDURE", "TRIGGER", "EXTENSION", "ROLE", "USER", "POLICY"),
    }
)
WITH_TABLES = frozenset({"TABLE", "VIEW"})
CALLS = frozenset({"CALL", "EXEC", "EXECUTE"})
ONE_TABLE = frozenset({"COPY", "TABLE", "LOCK"})

LISTS = frozenset({"FROM", "USING"})
"""Words after which tables stand, several by commas."""
SINGLES = frozenset({"JOIN", "INTO", "STRAIGHT_JOIN", "APPLY"})
ENDS = frozenset(
    {
        *("WHERE", "SET", "GROUP", "ORDER", "HAVING", "LIMIT", "OFFSET", "FETCH", "WINDOW"),
        *("UNION", "EXCEPT", "INTERSECT", "MINUS", "RETURNING", "VALUES", "SELECT", "WHEN"),
        *("CONNECT", "START", "FOR", "QUALIFY", "PREWHERE", "OUTPUT"),
    }
)
"""Words that end a list of tables."""
MODIFIERS = frozenset(
    {
        *("ONLY", "TABLE", "LATERAL", "IF", "NOT", "EXISTS", "CONCURRENTLY", "LOW_PRIORITY"),
        *("IGNORE", "OR", "ROLLBACK", "ABORT", "FAIL", "QUICK", "DELAYED", "HIGH_PRIORITY"),
        *("REPLACE", "INTO", "TEMPORARY", "TEMP", "UNLOGGED", "OVERWRITE"),
    }
)
"""Words that may stand between an operation and its table."""
FROM_MODIFIERS = frozenset({"ONLY", "TABLE", "LATERAL"})
NO_TABLE = frozenset(
    {
        *("SELECT", "VALUES", "WITH", "SET", "WHERE", "DEFAULT", "OUTFILE", "DUMPFILE", "ON"),
        *("AS", "STDIN", "STDOUT", "DUAL", "UNNEST", "ROWS"),
    }
)
NO_COMMON_TABLE = frozenset({"ORDINALITY", "TIES", "CHECK", "TIME", "RECURSIVE", "NO"})
