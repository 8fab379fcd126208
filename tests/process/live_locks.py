"""Every lock that telemetry's live objects hold, found by walking them."""

from __future__ import annotations

import functools
import gc
import sys
import threading
import types
import weakref

from opentelemetry import trace
from opentelemetry.attributes import BoundedAttributes


PREFIXES = ("otel_flow", "opentelemetry", "structlog")
LOCKS = (type(threading.Lock()), type(threading.RLock()))

_NAMELESS = ("builtins", "threading", "weakref", "_weakrefset", "collections", "functools")
_SKIPPED = (
    threading.Thread,  # the standard library renews those of threads
    types.FrameType,
    types.CodeType,
    types.GeneratorType,
    types.TracebackType,
    type(None),
    str,
    bytes,
    int,
    float,
)


def live_locks() -> dict[str, list[object]]:
    """Return the locks by the class, or the module, and the attribute that hold them."""
    # What nobody can use any more is reached by weak references until it is collected.
    gc.collect()
    modules = [module for name, module in list(sys.modules.items()) if _ours(name)]
    found: dict[str, dict[int, object]] = {}
    seen: dict[int, object] = {}
    waiting: list[tuple[str, str, object]] = [(str(module), "", module) for module in modules]
    waiting.append(("current span", "", trace.get_current_span()))
    while waiting:
        owner, name, part = waiting.pop()
        part = _lock_of(part)
        if isinstance(part, LOCKS):
            found.setdefault(f"{owner}.{name}", {})[id(part)] = part
        elif id(part) not in seen and _is_walked(part):
            seen[id(part)] = part
            for child_name, child in _children(part):
                waiting.append((*_label(part, child_name, owner, name), child))
    return {label: list(locks.values()) for label, locks in sorted(found.items())}


def _lock_of(part: object) -> object:
    """Return the lock of an event or a condition; a lock of its waiters is no more than a bell."""
    if isinstance(part, threading.Event):
        part = part._cond
    return part._lock if isinstance(part, threading.Condition) else part


def _ours(name: object) -> bool:
    return isinstance(name, str) and name.partition(".")[0] in PREFIXES


def _is_walked(part: object) -> bool:
    """Return whether *part* is OpenTelemetry's, ours or structlog's, or made by the language."""
    if isinstance(part, _SKIPPED):
        return False
    if isinstance(part, BoundedAttributes) and part._immutable:
        # Its lock guards what writes, and nothing writes into attributes of resources and scopes.
        return False
    module = str(type(part).__module__)
    return _ours(module) or module.partition(".")[0] in sys.stdlib_module_names


def _label(part: object, child: str, owner: str, name: str) -> tuple[str, str]:
    """Return owner and attribute of a child of *part*, which is *name* of *owner*."""
    if isinstance(part, types.ModuleType):
        return part.__name__, child
    if isinstance(part, type):
        return part.__qualname__, child
    kind = type(part)
    if kind.__module__.partition(".")[0] in _NAMELESS:
        # A container is not worth a name: what counts is the attribute that it is.
        return (owner, name) if owner else (kind.__qualname__, child)
    return kind.__qualname__, child


def _children(part: object) -> list[tuple[str, object]]:
    """Return what *part* is made of, named as well as it can be."""
    for kind, children in _KINDS.items():
        if isinstance(part, kind):
            return children(part)
    named = _attributes(part)
    known = {id(value) for _, value in named} | {id(getattr(part, "__dict__", None))}
    return [*named, *(("", child) for child in gc.get_referents(part) if id(child) not in known)]


def _of_module(module: types.ModuleType) -> list[tuple[str, object]]:
    return list(vars(module).items()) if _ours(module.__name__) else []


def _of_class(kind: type) -> list[tuple[str, object]]:
    return list(vars(kind).items()) if _ours(kind.__module__) else []


def _of_function(function: types.FunctionType) -> list[tuple[str, object]]:
    # Not its globals: those of our modules are walked as such.
    cells = [cell.cell_contents for cell in function.__closure__ or () if _is_set(cell)]
    defaults = [function.__defaults__, function.__kwdefaults__, vars(function)]
    return [("", part) for part in (*cells, *defaults)]


def _of_dict(mapping: dict) -> list[tuple[str, object]]:
    named = [(key if isinstance(key, str) else "", value) for key, value in mapping.items()]
    return [*named, *(("", key) for key in mapping)]


_KINDS = {
    types.ModuleType: _of_module,
    type: _of_class,
    types.FunctionType: _of_function,
    types.MethodType: lambda method: [("", method.__self__), ("", method.__func__)],
    weakref.ref: lambda reference: [("", reference())],
    functools.partial: lambda call: [("", [call.func, call.args, call.keywords])],
    dict: _of_dict,
}


def _is_set(cell: types.CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return False
    return True


def _attributes(part: object) -> list[tuple[str, object]]:
    found = list(getattr(part, "__dict__", {}).items())
    for kind in type(part).__mro__:
        slots = vars(kind).get("__slots__", ())
        names = (slots,) if isinstance(slots, str) else slots
        found += [(name, getattr(part, name, None)) for name in names]
    return found
