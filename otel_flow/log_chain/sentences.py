"""Events of requests, as a person at a terminal would say them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otel_flow.names import http as names


if TYPE_CHECKING:
    from collections.abc import MutableMapping


_OPENINGS = {
    names.ACCESS.name: "",
    names.SLOW_REQUEST.name: "slow: ",
    names.CONNECTION.name: "",
}


def say_request(fields: MutableMapping[str, Any]) -> None:
    """
    Make one text of what the access log tells of a request; leave other events as they are.

    ``GET /orders/17 200 3.4 ms`` takes the place of the event, its method, path, route,
    status and duration.
    """
    event, seconds = fields.get("event"), fields.get(names.DURATION.name)
    opening = _OPENINGS.get(event) if isinstance(event, str) else None
    if opening is None or not isinstance(seconds, int | float):
        return
    words = [
        fields.pop(names.REQUEST_METHOD.name, "WS"),
        fields.pop(names.PATH.name, ""),
        fields.pop(names.STATUS_CODE.name, ""),
        f"{seconds * 1000:.1f} ms",
    ]
    for known in (names.DURATION.name, names.ROUTE.name, "logger"):
        fields.pop(known, None)
    fields["event"] = opening + " ".join(str(word) for word in words if word != "")
