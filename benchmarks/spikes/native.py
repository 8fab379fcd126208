"""
What would compiling the hottest modules bring? A copy of the package, built by Cython or mypyc.

``python -m benchmarks.spikes.native [cython|mypyc]``. The copy and what it is built with live in
temporary folders and in the cache; the instructions of the same operations are counted with the
package as it is and with the copy.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

from tests.environments import environment


ROOT = pathlib.Path(__file__).parents[2]
MODULES = (
    "otlp/wire.py",
    "otlp/values.py",
    "otlp/known.py",
    "otlp/spans.py",
    "otlp/logs.py",
    "otlp/metrics.py",
    "otlp/request.py",
    "delivery/queue.py",
    "delivery/encoding.py",
    "providers/span.py",
    "providers/tracer.py",
    "providers/handles.py",
    "providers/series.py",
)
ROWS = (
    "span, 8 attributes",
    "span, from its start until encoded",
    "counter, 3 attributes",
    "histogram with exemplar",
    "encoding of a span",
    "encoding of a log record",
    "encoding of a number point",
    "request to /hello",
)
TOOLS = {"cython": ("cython", "setuptools"), "mypyc": ("mypy[mypyc]", "setuptools")}
DIRECTIVES = ("-X", "annotation_typing=False", "-X", "binding=True")
_COUNT = """
import json, sys
from benchmarks.instructions import measure
from benchmarks.operations import OPERATIONS
print(json.dumps(measure([OPERATIONS[name] for name in json.loads(sys.argv[1])], 64)))
"""


def counted(folder):
    """Return what the operations cost with the package in *folder*."""
    done = subprocess.run(
        [sys.executable, "-c", _COUNT, json.dumps(ROWS)],
        cwd=folder,
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(done.stdout)["costs"]


def build(tool, folder):
    """Build the modules in place; return what the compiler said of those that it did not take."""
    python = environment(*TOOLS[tool])
    name = {"cython": "cythonize", "mypyc": "mypyc"}[tool]
    options = {"cython": ["-i", "-3", "-j", "2", "--keep-going", *DIRECTIVES], "mypyc": []}
    done = subprocess.run(
        [python.with_name(name), *options[tool], *(f"otel_flow/{module}" for module in MODULES)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return (done.stdout + done.stderr)[-1500:] if done.returncode else ""


def works(folder):
    """Return whether all operations still work with what was built."""
    code = "from benchmarks import operations as o; o.OPERATIONS['{}'].build('ours')()"
    return all(
        subprocess.run(
            [sys.executable, "-c", code.format(row)], cwd=folder, capture_output=True, check=False
        ).returncode
        == 0
        for row in ROWS
    )


def main():
    tool = sys.argv[1] if len(sys.argv) > 1 else "cython"
    with tempfile.TemporaryDirectory(prefix="otel-flow-") as folder:
        for part in ("otel_flow", "benchmarks"):
            shutil.copytree(ROOT / part, pathlib.Path(folder, part))
        shutil.copytree(ROOT / "tests", pathlib.Path(folder, "tests"))
        print(build(tool, folder))
        built = sorted(pathlib.Path(folder, "otel_flow").rglob("*.so"))
        # The last ones depend on the SDK's classes most.
        while not works(folder) and built:
            print(f"{built[-1].stem} was built, and does not work: left out", flush=True)
            built.pop().unlink()
        print("built:", ", ".join(file.stem for file in built), flush=True)
        before, after = counted(ROOT), counted(folder)
    print("| instructions, ours | Python | compiled | of Python |\n|---|---:|---:|---:|")
    for name in ROWS:
        plain, native = before[name]["ours"], after[name]["ours"]
        print(f"| {name} | {plain:,} | {native:,} | {native / plain:.0%} |")


if __name__ == "__main__":
    main()
