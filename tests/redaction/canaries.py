"""
The published list of secrets that never leave, and of look-alikes that always do.

The secrets in ``canaries.json`` are made up and stand in pieces, so that nobody's
scanner takes them for real ones.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re

from urllib.parse import quote


_FILE = pathlib.Path(__file__).with_name("canaries.json")
LIST = json.loads(_FILE.read_text(encoding="utf-8"))


@dataclasses.dataclass(frozen=True)
class Canary:
    """One attribute that holds a secret; *core* is what must not be found anywhere."""

    name: str
    key: str
    value: object
    core: str


def _core(entry: dict) -> str:
    """The longest piece of a secret that no encoding changes."""
    if "core" in entry:
        return entry["core"]
    return max(re.findall("[A-Za-z0-9]+", entry["secret"][-1]), key=len)


SPELLINGS = {
    "alone": lambda secret: secret,
    "in a sentence": lambda secret: f'the value "{secret}" was refused',
    "in JSON": lambda secret: json.dumps({"note": secret, "n": 1}),
    "in a URL": lambda secret: f"https://shop.example/?page=2&ref={quote(secret, safe='')}",
}
"""How a secret of a shape is written."""

PLACES = {
    "value": lambda text: text,
    "list": lambda text: ["first", text],
    "mapping": lambda text: {"outer": {"note": text}},
    "text": lambda text: f"while reading: {text}",
}
"""Where what is written stands."""


def _words(name: str) -> list[str]:
    return name.split()


NAME_SPELLINGS = {
    "snake": lambda name: "_".join(_words(name)),
    "camel": lambda name: "".join([_words(name)[0], *map(str.title, _words(name)[1:])]),
    "kebab": lambda name: "-".join(_words(name)),
    "dotted": lambda name: ".".join(_words(name)),
}
"""How a name is written."""

NAME_PLACES = {
    "key": lambda name, secret: (name, secret),
    "mapping": lambda name, secret: ("payload", {"user": {name: secret, "id": 17}}),
    "JSON": lambda name, secret: ("payload", json.dumps([{name: secret, "id": 17}])),
    "text": lambda name, secret: ("note", f"connecting with {name}={secret} to db"),
}
"""Where a name and its secret stand."""

# RUM's session.id is a name of the semantic conventions, and no secret.
_CONVENTIONAL = {"session.id"}


def shapes() -> list[Canary]:
    """Every secret that is known by its shape, in every spelling and place."""
    return [
        Canary(
            f"{number} {entry['pattern']}, {spelling}, {place}",
            "note",
            put(spell("".join(entry["secret"]))),
            _core(entry),
        )
        for number, entry in enumerate(LIST["shapes"])
        for spelling, spell in SPELLINGS.items()
        for place, put in PLACES.items()
    ]


def names() -> list[Canary]:
    """Every secret that is known by its name, in every spelling and place."""
    return [
        Canary(
            f"{entry['name']}, {spelling}, {place}",
            *put(spell(entry["name"]), entry["secret"]),
            entry["secret"],
        )
        for entry in LIST["names"]
        for spelling, spell in NAME_SPELLINGS.items()
        if spell(entry["name"]) not in _CONVENTIONAL
        for place, put in NAME_PLACES.items()
    ]


def texts() -> list[Canary]:
    """Every text with a secret in it, in every place."""
    return [
        Canary(
            f"{entry['about']}, {place}",
            "note",
            put(entry["text"].format(entry["secret"])),
            entry["secret"],
        )
        for entry in LIST["texts"]
        for place, put in PLACES.items()
    ]


def canaries() -> list[Canary]:
    """All of them."""
    return [*shapes(), *names(), *texts()]


def survivors() -> list[tuple[str, object]]:
    """Names and values that look like secrets and are none."""
    return [(key, value) for key, value in LIST["survivors"]]
