"""One pass over keywords and variables: what they give, where from, and all that is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from otel_flow.errors import Problem
from otel_flow.names import environment
from otel_flow.settings.kinds import Doubted, Rejected
from otel_flow.settings.masking import printable


if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_flow.settings.kinds import Kind
    from otel_flow.settings.table import Setting


UNSET: Final = object()
"""What stands for a value that was not given, or was wrong."""


class Reading:
    """
    The values read so far by dotted field, and their sources.

    A variable that several settings share is read once, so that what is wrong
    with it is reported once. A keyword of None was not given.
    """

    def __init__(self, environ: Mapping[str, str], keywords: Mapping[str, Any]) -> None:
        self.environ = _without_request_header(environ)
        self.keywords = {name: value for name, value in keywords.items() if value is not None}
        self.values: dict[str, Any] = {}
        self.sources: dict[str, str] = {}
        self.problems: list[Problem] = []
        self.warnings: list[str] = []
        self._read: dict[str, Any] = {}

    def take(self, setting: Setting) -> None:
        """Read one setting: keyword, else variable, else nothing (the default stays)."""
        group, _, name = setting.field.partition(".")
        if name and group in self.keywords:
            value = self._checked(setting.field, setting.kind, self._member(group, name))
            self.keep(setting.field, value, "keyword")
        elif (keyword := setting.keyword or setting.field) in self.keywords:
            value = self._checked(keyword, setting.kind, self.keywords[keyword])
            self.keep(setting.field, value, "keyword")
        else:
            self._take_variable(setting)

    def _take_variable(self, setting: Setting) -> None:
        """Read every variable of *setting*, so that all are checked, and keep the first."""
        given = {name: self.variable(name, setting.kind) for name in setting.variables}
        for name, value in given.items():
            if value is not UNSET:
                self.keep(setting.field, value, name)
                return

    def keep(self, field: str, value: Any, source: str) -> None:
        """Remember the value of *field* unless there is none."""
        if value is not UNSET:
            self.values[field] = value
            self.sources[field] = source

    def _member(self, group: str, name: str) -> Any:
        return getattr(self.keywords[group], name, None)

    def variable(self, name: str, kind: Kind) -> Any:
        """Return the value of the variable *name*, `UNSET` where it is empty or wrong."""
        if name not in self._read:
            text = self.environ.get(name, "").strip()
            self._read[name] = self._parsed(name, kind, text) if text else UNSET
        return self._read[name]

    def _parsed(self, name: str, kind: Kind, text: str) -> Any:
        return self._tried(name, kind.hidden(text), kind.parse, text)

    def _tried(self, name: str, shown: str, read: Callable[[Any], Any], value: Any) -> Any:
        """Return what *read* makes of *value*; report what it doubts or rejects."""
        try:
            return read(value)
        except Doubted as doubt:
            self.warn(f"{name}={printable(shown)} {doubt}")
            return doubt.value
        except Rejected as rejected:
            self.reject(name, shown, str(rejected))
            return UNSET

    def _checked(self, name: str, kind: Kind, value: Any) -> Any:
        """Return the value of a keyword; None inside a group stands for unset."""
        if value is None:
            return UNSET
        shown = kind.hidden(value if isinstance(value, str) else _outline(value))
        return self._tried(name, shown, kind.check, value)

    def require(self, keyword: str, expected: type) -> None:
        """Reject a keyword, if given, that is not an *expected*."""
        value = self.keywords.get(keyword)
        if value is not None and not isinstance(value, expected):
            self.reject(keyword, f"a {type(value).__name__}", f"an instance of {expected.__name__}")
            del self.keywords[keyword]

    def reject(self, name: str, shown: str, expected: str) -> None:
        """Add a problem, once a name; *shown* is the value without secrets."""
        if all(problem.name != name for problem in self.problems):
            self.problems.append(Problem(name=name, value=printable(shown), expected=expected))

    def warn(self, message: str) -> None:
        """Add a warning, once; *message* shows no secrets."""
        if message not in self.warnings:
            self.warnings.append(printable(message, limit=1000))

    def source_of(self, field: str) -> str:
        """Return what to call *field* in a message: its variable, or its keyword."""
        source = self.sources.get(field, "keyword")
        return field if source == "keyword" else source


def _outline(value: Any) -> str:
    """Return what a keyword of the wrong shape looks like; what a mapping holds may be secret."""
    return f"a {type(value).__name__}" if isinstance(value, Mapping) else repr(value)


def _without_request_header(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return *environ* without ``HTTP_PROXY`` under CGI, where it is a header of the request."""
    if "REQUEST_METHOD" not in environ:
        return environ
    # https://httpoxy.org
    return {name: text for name, text in environ.items() if name != environment.HTTP_PROXY}
