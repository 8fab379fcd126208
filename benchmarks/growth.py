"""
How the cost of telemetry grows: with routes, attributes, child spans, workers, series, and back-pressure.

``python -m benchmarks.growth [PART …]``, by default all. CPU time; the contenders take turns, each
measurement in a process of its own, and the least of the rounds counts: the others met somebody
else. `benchmarks/growing.py` has what is measured.
"""

import argparse
import json
import pathlib

from benchmarks import growing
from benchmarks.counting import forked
from benchmarks.curves import picture
from benchmarks.machine import machine
from benchmarks.pressure import pressure
from benchmarks.workers import workers


SIDES = ("bare", "upstream", "ours")
CURVES = {
    "routes": ("a request, µs, by routes", (1, 10, 100), SIDES, growing.requests),
    "attributes": (
        "a span until encoded, µs, by attributes",
        (0, 8, 20, 50),
        SIDES[1:],
        growing.attributes,
    ),
    "children": (
        "a request's spans, µs, by children",
        (1, 10, 100),
        SIDES[1:],
        growing.children,
    ),
    "series": (
        "a collection, ms, by series",
        (100, 1000, 10_000),
        SIDES[1:],
        growing.series,
    ),
    "memory": (
        "memory of a series, bytes, by series",
        (100, 1000, 10_000),
        SIDES[1:],
        growing.memory,
    ),
}
"""By part: what it is, how many, the contenders, and what returns one figure."""


def curve(part, rounds):
    """Return the least figure by contender and number."""
    _, numbers, sides, measure = CURVES[part]
    found = {side: {number: [] for number in numbers} for side in sides}
    for _ in range(rounds):
        for number in numbers:
            for side in sides:
                found[side][number].append(forked(measure, side, number)[1])
    return {side: {n: min(all_) for n, all_ in of.items()} for side, of in found.items()}


def table(title, found):
    """Return the lines of a table: a row a contender, a column a number."""
    numbers = next(iter(found.values()))
    lines = ["| " + " | ".join([title, *map(str, numbers)]) + " |"]
    lines.append("|---|" + "---:|" * len(numbers))
    for side, figures in found.items():
        lines.append("| " + " | ".join([side, *map(shown, figures.values())]) + " |")
    return lines


def shown(figure):
    """Return *figure* as it is read."""
    if not isinstance(figure, float):
        return str(figure)
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.1f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[1])
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=", ".join([*CURVES, "workers", "pressure"])
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=pathlib.Path, help="where to keep the figures")
    parser.add_argument("--svg", type=pathlib.Path, help="where to draw the curves")
    options = parser.parse_args()
    kept = {"machine": machine()}
    for part in options.parts or [*CURVES, "workers", "pressure"]:
        if part in CURVES:
            title, kept[part] = CURVES[part][0], curve(part, options.rounds)
        elif part == "workers":
            title, kept[part] = "µs of a request, of workers", workers()
        else:
            title, kept[part] = "50 000 spans against a backend", pressure()
        print("\n".join(table(title, kept[part])), end="\n\n", flush=True)
    if options.svg:
        drawn = {CURVES[part][0]: kept[part] for part in kept if part in CURVES}
        options.svg.write_text(picture(drawn))
    if options.json:
        options.json.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
