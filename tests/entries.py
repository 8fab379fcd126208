"""How much the caches of a live object hold."""

import types


OURS = "otel_flow."


def entries(owner):
    """Return how many values the containers hold that *owner* is made of."""
    seen, waiting, count = {}, [owner], 0
    while waiting:
        part = waiting.pop()
        if id(part) in seen:
            continue
        seen[id(part)] = part
        if isinstance(part, types.FunctionType):
            waiting += part.__closure__ or ()
        elif isinstance(part, types.MethodType):
            waiting.append(part.__self__)
        elif isinstance(part, types.CellType):
            waiting.append(part.cell_contents)
        else:
            if isinstance(part, dict):
                waiting += part.values()
                count += len(part)
            elif isinstance(part, (list, tuple, set)):
                waiting += part
                count += len(part)
            if type(part).__module__.startswith(OURS):
                waiting += _attributes(part)
    return count


def _attributes(part):
    yield from getattr(part, "__dict__", {}).values()
    for kind in type(part).__mro__:
        for name in vars(kind).get("__slots__", ()):
            yield getattr(part, name, None)
