"""
Single calls beside upstream's, in one run: microseconds each, the best of several rounds.

``python -m benchmarks.micro``; log events have `benchmarks/log_events.py`, libraries
`benchmarks/libraries.py`. Both sides record the same, and both throw away what they queue.
"""

import argparse
import contextvars
import json
import pathlib
import timeit

from benchmarks.machine import machine
from benchmarks.operations import OPERATIONS


def microseconds(operation, side, options):
    """Return what one call costs, the best of some rounds: the others met somebody else."""
    # What the operation makes the current span is forgotten behind it.
    return contextvars.copy_context().run(_best, operation, side, options)


def _best(operation, side, options):
    timer = timeit.Timer(operation.build(side))
    number = max(1, options.calls // operation.items)
    timer.timeit(number)
    return min(timer.repeat(options.rounds, number)) / number / operation.items * 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[1])
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=pathlib.Path, help="where to keep the figures")
    options = parser.parse_args()
    kept = {"machine": machine()}
    print("| µs | upstream | ours | of upstream |\n|---|---:|---:|---:|")
    for operation in OPERATIONS.values():
        if operation.alone:
            continue
        theirs, ours = (microseconds(operation, side, options) for side in ("upstream", "ours"))
        kept[operation.name] = {"upstream": theirs, "ours": ours}
        print(f"| {operation.name} | {theirs:.2f} | {ours:.2f} | {ours / theirs:.0%} |", flush=True)
    if options.json:
        options.json.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
