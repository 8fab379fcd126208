"""
Secrets that text gives a name: ``password=…``, ``"apiKey": "…"``, ``--token …``, ``<pin>…</pin>``.

A name is judged as that of an attribute is. What is assigned may be quoted, in
brackets, or bare; where prose goes on ("token: expired yesterday") it is left alone.
"""

from __future__ import annotations

import re

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from otel_flow.redaction import slices
from otel_flow.redaction.keys import Verdict, is_count, words_of
from otel_flow.redaction.words import QUERY_NAMES, QUERY_TOKENS, WEAK


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from otel_flow.redaction.slices import Step

    Judge = Callable[[str], Verdict]


class Assigned(NamedTuple):
    """A secret in a text, found under *name*; *in_url* where it is a parameter of a query."""

    name: str
    start: int
    end: int
    in_url: bool


_SKIPPED = r"(?:[^\w.%$\\-]++|\\[nrt]?|[\w.%$][\w.%$-]*+(?: (?=\w)|(?![\[\\\"'`\]) \t=:!<])))"
"""What begins no name with an operator, so far as one look ahead tells: most of any prose."""
_NAME = (
    r"(?:(?<![\w.%$-])(?!(?<=\\)[nrt])|(?<=\\[nrt]))(?<!\[REDACTED:)(?P<begin>)(?P<dash>--?)?(?P<name>[^\W\d][\w.%-]*+(?:\[[\w.-]{1,64}\]){0,4}+)"
    r"(?P<close>\\{0,3}[\"'`]?[\])]?)"
    r"(?:[ \t]{0,4}+(?P<operator>=>|:=|==|!=|<>|=(?!=)|:(?!:)|%3[Dd]|%3[Aa])(?:[ \t]|\r?\n[ \t]){0,4}+"
    r"|(?(dash)[ \t]{1,4}+(?=[^\s-])|(?!)))"
)
_READ = re.compile(rf"{_SKIPPED}{{0,64}}+(?:{_NAME}|[\w.%$-]++|)")
"""
The next name with its operator, or something that is none.

To match piece after piece is faster than to search, which tries each character anew, and
no piece is long.
"""
_OPENING = re.compile(
    r"(?:[bBeEfFnNrRuU]|[bB][rR]|[rR][bB])?(?P<quote>\\*(?:\"\"\"|'''|[\"'`])|%22)"
)
_BRACKETS = re.compile(r"[\[\](){}]")
_BRACKETS_A_STEP = 64
_BARE = re.compile(
    r"(?:[^\s&;,\"'`<>)\]}|%]++"
    r"|%(?!26|22)"
    r"|[,;&](?!\s|$|[\w.%\[\]-]{0,64}+=|[\w.-]{0,64}+\s*:)"
    r"|[)\]}](?![\s,.;:)\]}\"']|$)){1,256}+"
)
"""The next piece of a value: each of its characters is judged by what follows it."""
_QUERY_VALUE = re.compile(r"[^&#\s\"'<>`]++")
_QUERY = re.compile(r"[^&\s]*+&[\w.%\[\]-]{1,64}=")
"""How a query goes on behind the name of its first parameter."""
_REST_OF_LINE = re.compile(r"[^\"'\r\n`]++")
_OPEN = frozenset("[({")
_HEADERS = frozenset(["authorization", "cookie"])
_PLACEHOLDER = re.compile(
    r"\*+|x{3,}|\.{3}|-+|%s|%\(\w+\)s|\?|\$\d+|\$?\{+[^{}]*\}+|<[^<>]*>|\$\([^()]*\)"
    r"|\[(?:redacted|filtered|masked|hidden|secret|omitted)(?::[\w:-]*)?\]"
    r"|(?:redacted|filtered|masked)(?:-[a-z0-9]+)?"
    r"|(?:true|false|yes|no|none|null|nil|undefined|nan|on|off|required|optional|missing|invalid|unset)"
    r"|(?:str|int|bytes|bool|float|object|any|string|number|secretstr)(?:\[.*|\s*\|.*)?"
    r"|(?:Optional|Union|Annotated|list|dict|tuple)\[.*",
    re.IGNORECASE | re.DOTALL,
)
"""What stands where a secret would, in a template, a log line or a signature, and is none."""
_TEMPLATE = re.compile(r"\$\{[^{}]*+\}|\$\([^()]*+\)|%\([\w.]*+\)s")
_PARAMETER = re.compile(r"[:@$](?P<name>\w+)")
"""A parameter of a statement or a variable of a shell: no secret where its name is that of one."""
_SCHEME = re.compile(
    r"(?:bearer|basic|digest|token|apikey|api-key|negotiate|ntlm|hoba|aws4-hmac-sha256|sharedkey)[ \t]+",
    re.IGNORECASE,
)
_PROSE = re.compile(r"[A-Za-z]?[a-z']*+")
_GOES_ON = re.compile(r"[,.]?[ \t]+[A-Za-z]")
_TOKEN_LIKE = re.compile(r"(?=[^&\s]*?\d)(?=[^&\s]*?[A-Za-z])[\w.~%+/=-]{16,}")
_CONTEXT = re.compile(r"(?:[A-Za-z]+[ _-]){1,2}$")
_LOOK_BACK = 32
_LISTED = re.compile(
    r"(?P<quote>\\{0,3}[\"'])(?:name|key)(?P=quote)\s{0,4}:\s{0,4}(?P=quote)(?P<name>[\w.-]{1,128})(?P=quote)"
    r"\s{0,40},\s{0,40}(?P=quote)value(?P=quote)\s{0,4}:\s{0,4}(?P=quote)(?=[^\"'\\])"
)
_LISTED_VALUE = re.compile(r"[^\"'\\]++")
_REACH = 300
"""Characters of the longest match of `_LISTED`."""
_XML = re.compile(
    r"<(?:\w{1,32}:)?(?P<name>[^\W\d][\w.-]{0,127})(?:\s[^<>]*+)?>(?P<value>[^<]++)</"
)


def find_assigned(
    text: str, judge: Judge, step: Step, *, literals_only: bool = False
) -> list[Assigned]:
    """
    Return the secrets in *text* whose names *judge* knows, in order.

    With *literals_only* the text is source code, where only quoted values are secrets
    and everything else is the name of something.
    """
    found: list[Assigned] = []
    position = 0
    while position < len(text):
        match = _READ.match(text, position)
        step()
        if match is None or match["name"] is None:
            position = len(text) if match is None else match.end()
            continue
        position = match.end() if match["operator"] else match.end("close")
        assigned = _assigned(text, match, judge, step, literals_only=literals_only)
        if assigned is not None:
            found.append(assigned)
            position = max(assigned.end, match.end("close"))
    return found


def find_elements(text: str, judge: Judge, step: Step) -> list[Assigned]:
    """Return the texts of XML elements in *text* whose names *judge* knows, in order."""
    return [
        Assigned(match["name"], *match.span("value"), in_url=False)
        for match in _elements(text, step)
        if _holds_secret(match["name"], match["value"], judge)
    ]


def _elements(text: str, step: Step) -> Iterator[re.Match[str]]:
    start = text.find("<")
    while start >= 0:
        match = _XML.match(text, start)
        if match is not None:
            yield match
        step()
        start = text.find("<", start + 1 if match is None else match.end())


def find_listed(text: str, judge: Judge, step: Step) -> list[Assigned]:
    """Return the values of ``{"name": …, "value": …}`` whose names *judge* knows, in order."""
    found: list[Assigned] = []
    for match in slices.find_all(_LISTED, text, reach=_REACH, step=step):
        value = _LISTED_VALUE.match(text, match.end())
        if value is not None and _holds_secret(match["name"], value.group(), judge):
            found.append(Assigned(match["name"], *value.span(), in_url=False))
    return found


def _holds_secret(name: str, value: str, judge: Judge) -> bool:
    return judge(name) in _SECRET and not _PLACEHOLDER.fullmatch(value.strip())


_SECRET = (Verdict.SECRET, Verdict.SECRET_TEXT)


def _assigned(
    text: str, match: re.Match[str], judge: Judge, step: Step, *, literals_only: bool
) -> Assigned | None:
    name = unquote(match["name"])
    in_query = _in_query(text, match)
    verdict = _verdict(text, match, name, judge)
    if verdict is Verdict.OPEN and in_query:
        return _query_parameter(text, match.end(), name)
    if verdict not in _SECRET:
        return None
    value = _value(text, match, name, step, in_query=in_query, literals_only=literals_only)
    if value is None or _is_none(value.text, verdict, judge):
        return None
    if match["operator"] == ":" and not value.quoted and _is_prose(text, match, value, name):
        return None
    return Assigned(name, value.start, value.end, in_url=in_query)


def _verdict(text: str, match: re.Match[str], name: str, judge: Judge) -> Verdict:
    """Return the verdict on *name*, with the words before it where it says little alone."""
    verdict = judge(name)
    start = match.start("name")
    if verdict is Verdict.OPEN and text[start - 2 : start - 1] == "\\":
        # Either an escape ended before the name, or it is the name's first letter.
        verdict = judge(f"{text[start - 1]}{name}")
    if verdict is Verdict.OPEN and match["operator"] and start and text[start - 1] == " ":
        before = _CONTEXT.search(text[max(0, start - _LOOK_BACK) : start])
        if before is not None:
            return judge(f"{before.group()}{name}")
    return verdict


def _in_query(text: str, match: re.Match[str]) -> bool:
    if match["operator"] != "=" or match["close"]:
        return False
    start = match.start("begin")
    return text[start - 1] in "?&" if start else _QUERY.match(text, match.end()) is not None


def _query_parameter(text: str, start: int, name: str) -> Assigned | None:
    """Return the value of a parameter that is secret in a query only."""
    key = "".join(words_of(name))
    value = _QUERY_VALUE.match(text, start)
    if value is None or _PLACEHOLDER.fullmatch(value.group()):
        return None
    if key in QUERY_NAMES or (key in QUERY_TOKENS and _TOKEN_LIKE.fullmatch(value.group())):
        return Assigned(name, start, value.end(), in_url=True)
    return None


class _Value(NamedTuple):
    text: str
    start: int
    end: int
    quoted: bool


def _value(
    text: str,
    match: re.Match[str],
    name: str,
    step: Step,
    *,
    in_query: bool,
    literals_only: bool,
) -> _Value | None:
    """Return the value that begins at the end of *match*, without quotes and scheme."""
    start = match.end()
    opening = None if in_query else _OPENING.match(text, start)
    if opening is not None:
        start = opening.end()
        end = _closing(text, start, opening["quote"])
    elif literals_only and not _in_literal(text, match.start("begin")):
        return None
    else:
        bare = _bare(text, start, _pattern(match, name, in_query=in_query), step)
        if bare is None:
            return None
        start, end = bare
    scheme = _SCHEME.match(text, start, end)
    if scheme is not None and scheme.end() < end:
        start = scheme.end()
    return _Value(text[start:end], start, end, quoted=opening is not None)


def _in_literal(code: str, position: int) -> bool:
    """Return whether *position* of a line of code lies inside quotes."""
    return any(code.count(quote, 0, position) % 2 for quote in "\"'")


def _pattern(match: re.Match[str], name: str, *, in_query: bool) -> re.Pattern[str]:
    if in_query:
        return _QUERY_VALUE
    is_header = match["operator"] == ":" and words_of(name)[-1:] and words_of(name)[-1] in _HEADERS
    return _REST_OF_LINE if is_header else _BARE


def _bare(text: str, start: int, pattern: re.Pattern[str], step: Step) -> tuple[int, int] | None:
    if pattern is _BARE and text[start : start + 1] in _OPEN:
        return start, _balanced(text, start, step)
    if _TEMPLATE.match(text, start):
        return None
    scheme = _SCHEME.match(text, start)
    begin = end = start if scheme is None else scheme.end()
    while (piece := pattern.match(text, end)) is not None:
        end = piece.end()
        step()
    return None if begin == end else (begin, end)


def _balanced(text: str, start: int, step: Step) -> int:
    """Return where the bracket closes that opens at *start*, the end of *text* if none does."""
    depth = 0
    for count, match in enumerate(_BRACKETS.finditer(text, start), 1):
        depth += 1 if match.group() in _OPEN else -1
        if depth == 0:
            return match.end()
        if count % _BRACKETS_A_STEP == 0:
            step()
    return len(text)


def _closing(text: str, start: int, quote: str) -> int:
    """Return where the value ends that *quote* opened before *start*."""
    end = text.find(quote, start)
    while end > 0 and len(quote) == 1 and _escaped(text, start, end):
        end = text.find(quote, end + 1)
    return len(text) if end < 0 else end


def _escaped(text: str, start: int, end: int) -> bool:
    slashes = end
    while slashes > start and text[slashes - 1] == "\\":
        slashes -= 1
    return (end - slashes) % 2 == 1


def _is_none(value: str, verdict: Verdict, judge: Judge) -> bool:
    """Return whether *value* only stands where a secret would."""
    value = value.strip()
    if not value or _PLACEHOLDER.fullmatch(value):
        return True
    if verdict is Verdict.SECRET_TEXT and is_count(value):
        return True
    parameter = _PARAMETER.fullmatch(value)
    return parameter is not None and judge(parameter["name"]) in _SECRET


def _is_prose(text: str, match: re.Match[str], value: _Value, name: str) -> bool:
    """Return whether a sentence goes on behind the colon, as in ``token: expired``."""
    if match["close"] or not _PROSE.fullmatch(value.text):
        return False
    return words_of(name)[-1] in WEAK or _GOES_ON.match(text, value.end) is not None
