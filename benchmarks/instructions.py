"""
Instructions of single calls, upstream's and ours, beside the last ones that were kept.

``make bench`` and, in a shorter form, ``make bench-quick``. Unlike time, the instructions of a call
are the same each time, on a loaded machine too: what grew by more than 5 % is marked. ``--keep``
writes `benchmarks/results/instructions.json`, to be committed with what changed it.
"""

import argparse
import concurrent.futures
import contextlib
import json
import os
import pathlib
import queue

from benchmarks.counting import CpuTime, Server, means
from benchmarks.machine import machine
from benchmarks.operations import OPERATIONS


KEPT = pathlib.Path(__file__).with_name("results") / "instructions.json"
"""Multiples of 64, the values after which a histogram of ours folds."""
QUICK = 64
GROWTH = 0.05
"""From how much on a difference is marked: hashes and addresses make about 1 %."""


def measure(operations, calls):
    """Return unit and costs, by operation and side."""
    by = means()
    # The CPU time of one would be disturbed by the other.
    number = 1 if isinstance(by, CpuTime) else min(2, os.cpu_count() or 1)
    idle = queue.SimpleQueue()

    def one(operation, side):
        server = idle.get()
        try:
            return server.cost(operation, side, calls or by.calls)
        finally:
            idle.put(server)

    with contextlib.ExitStack() as stack:
        for _ in range(number):
            idle.put(stack.enter_context(Server(by)))
        pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(number))
        jobs = {
            (operation.name, side): pool.submit(one, operation, side)
            for operation in operations
            for side in operation.sides
        }
        costs = {}
        for (name, side), job in jobs.items():
            costs.setdefault(name, {})[side] = round(job.result())
    return {"unit": by.unit, "machine": machine(), "costs": costs}


def share(costs):
    """Return ours as a part of upstream's, of what both add where there is a bare side."""
    bare = costs.get("bare", 0)
    return (costs["ours"] - bare) / (costs["upstream"] - bare)


def growth(name, now, before):
    """Return by how much ours grew since *before*, None where that cannot be told."""
    if before is None or before["unit"] != now["unit"] or name not in before["costs"]:
        return None
    return round(now["costs"][name]["ours"] / before["costs"][name]["ours"] - 1, 4)


def grown(now, before):
    """Return the names of the operations that cost ours notably more than *before*."""
    return [name for name in now["costs"] if (growth(name, now, before) or 0) > GROWTH]


def row(name, now, before):
    """Return one line of the table."""
    costs = now["costs"][name]
    change = growth(name, now, before)
    said = "" if change is None else f"{change:+.1%}"
    if change is not None and abs(change) > GROWTH:
        said = f"**{said}, {'more' if change > 0 else 'less'} than before**"
    bare = f"{costs['bare']:,}" if "bare" in costs else ""
    cells = [
        name,
        bare,
        f"{costs['upstream']:,}",
        f"{costs['ours']:,}",
        f"{share(costs):.0%}",
        said,
    ]
    return "| " + " | ".join(cells) + " |"


def table(now, before):
    """Return the lines of the table, of *now* and beside *before*."""
    return [
        f"| {now['unit']} | bare | upstream | ours | of upstream | ours since the last kept |",
        "|---|---:|---:|---:|---:|---:|",
        *(row(name, now, before) for name in now["costs"]),
    ]


def remarks(now, before):
    """Return what must be known to read the last column."""
    if now["unit"] != "instructions":
        yield (
            "Instructions could not be counted, which needs valgrind on x86-64 (apt-get install "
            "valgrind): this is CPU time, and compared with nothing."
        )
    elif before is None:
        yield "Nothing was kept to compare with."
    else:
        for name, kept in before["machine"].items():
            if name != "load" and now["machine"].get(name) != kept:
                yield f"{name} was {kept}, is {now['machine'].get(name)}."
        if names := grown(now, before):
            yield f"More than before: {', '.join(names)}."
        else:
            yield f"Nothing of ours grew by more than {GROWTH:.0%} since the last kept result."


def kept():
    """Return the last result that was kept, None where there is none."""
    return json.loads(KEPT.read_text()) if KEPT.exists() else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[1])
    parser.add_argument("operations", nargs="*", metavar="OPERATION", help="by default all")
    parser.add_argument("--quick", action="store_true", help="fewer calls, as in CI")
    parser.add_argument("--keep", action="store_true", help="to compare the next ones with")
    options = parser.parse_args()
    if unknown := set(options.operations) - set(OPERATIONS):
        parser.error(f"no such operation: {unknown.pop()}; there are {', '.join(OPERATIONS)}")
    chosen = [OPERATIONS[name] for name in options.operations or OPERATIONS]
    now, before = measure(chosen, QUICK if options.quick else None), kept()
    print("\n".join(table(now, before)))
    print("\n" + "\n".join(remarks(now, before)))
    if options.keep and now["unit"] == "instructions":
        KEPT.write_text(json.dumps(now, indent=1) + "\n")


if __name__ == "__main__":
    main()
