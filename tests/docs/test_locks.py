"""The two locks: what the tests run with, and the part of it that `make demo` installs."""

import re
import shutil
import subprocess
import tomllib

from importlib.metadata import requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.environments import environment
from tests.stack.build import ROOT


PIN = re.compile(
    r"^([a-z0-9-]+==\S+)(?: ;.*)? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n?)+)",
    re.MULTILINE,
)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def pins(name):
    return {pin: sorted(hashes.split()) for pin, hashes in PIN.findall((ROOT / name).read_text())}


def needed(requirements):
    """The names of *requirements* and of all that they require here."""
    found, waiting = set(), [(Requirement(text), "") for text in requirements]
    while waiting:
        requirement, _ = waiting.pop()
        name = canonicalize_name(requirement.name)
        extras = requirement.extras or {""}
        below = [Requirement(text) for text in requires(name) or ()]
        found.add(name)
        waiting += [
            (each, name)
            for each in below
            if canonicalize_name(each.name) not in found
            and (not each.marker or any(each.marker.evaluate({"extra": e}) for e in extras))
        ]
    return found


def test_the_demo_installs_a_part_of_what_was_tested():
    """Every pin of the smaller lock stands in the larger one, with the same hashes."""
    whole, part = pins("requirements.lock"), pins("requirements-demo.lock")

    assert 2 * len(part) < len(whole)
    assert {pin: hashes for pin, hashes in part.items() if whole.get(pin) != hashes} == {}


def test_nothing_of_the_demo_is_missing():
    """The smaller lock has everything that the extra and the build ask for, and nothing resolves more."""
    project = PROJECT["project"]
    wanted = [
        *project["dependencies"],
        *project["optional-dependencies"]["demo"],
        *PROJECT["dependency-groups"]["build"],
    ]
    locked = {pin.partition("==")[0] for pin in pins("requirements-demo.lock")}

    assert needed(wanted) - locked == set()


def test_make_demo_installs_no_more_on_a_clone(tmp_path):
    """On a clone the demo's lock is installed; where the whole is, nothing is."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock", "requirements-demo.lock"):
        shutil.copy(ROOT / name, tmp_path)

    def planned():
        command = ["make", "--dry-run", "demo"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        return re.findall(r"-r (\S+)", done.stdout)

    assert planned() == ["requirements-demo.lock"]
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / ".installed").touch()
    assert planned() == []


def test_the_demo_can_be_imported_with_the_demos_lock_alone():
    """What `make demo` installs is enough for the demo and ``otel-flow tail``."""
    python = environment(*pins("requirements-demo.lock"), alone=True)
    done = subprocess.run(
        [
            python,
            "-c",
            "import otel_flow.demo.run, otel_flow.demo.tail, celery, fastapi, redis, sqlalchemy",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
