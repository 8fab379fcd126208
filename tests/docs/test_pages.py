"""README and docs: what they link to exists, what they tell to type works."""

import itertools
import re
import shlex
import subprocess
import sys
import tomllib

from pathlib import Path

import pytest
import yaml

from otel_flow.cli.program import main
from otel_flow.settings import Settings
from tests.stack.build import ROOT


PAGES = sorted(
    str(path.relative_to(ROOT))
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("examples/**/*.md")]
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
BLOCK = re.compile(r"^```(?:console|sh|bash)\n(.*?)^```", re.MULTILINE | re.DOTALL)
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PROFILES = {
    profile
    for service in yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"].values()
    for profile in service.get("profiles", ())
}
ASSIGNMENT = re.compile(r"[A-Z_][A-Z0-9_]*=.*")


def anchors(page):
    """The anchors of a page's headings, as its readers' software makes them."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in HEADING.findall(FENCED.sub("", page.read_text()))
    }


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    """Every relative link names a file, every anchor a heading of it."""
    broken = []
    for link in LINK.findall(FENCED.sub("", (ROOT / page).read_text())):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)

    assert broken == []


def commands():
    """Every line to be typed of every page; continuation lines are joined."""
    for page in PAGES:
        for block in BLOCK.findall((ROOT / page).read_text()):
            for line in block.replace("\\\n", " ").splitlines():
                typed = line.removeprefix("$ ").partition("  #")[0].strip()
                is_output = "$ " in block and not line.startswith("$ ")
                if typed and not typed.startswith("#") and not is_output:
                    yield pytest.param(typed, id=f"{page}: {typed[:60]}")


@pytest.mark.parametrize("line", list(commands()))
def test_what_is_to_be_typed_works(line, capsys):
    """Every command is one that exists, called as it can be called."""
    for part in re.split(r" (?:&&|\|) ", line):
        words = shlex.split(part)
        variables = list(itertools.takewhile(ASSIGNMENT.fullmatch, words))
        words = words[len(variables) :]
        export(variables)
        if words:
            assert words[0] in CHECKS, f"no check for {words[0]}"
            CHECKS[words[0]](words[1:])


def make(arguments):
    done = subprocess.run(
        ["make", "--dry-run", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def otel_flow(arguments):
    """The arguments are understood: --help at their end is reached."""
    own, separator, wrapped = _split(arguments)
    if separator:
        installed(wrapped[0])
    with pytest.raises(SystemExit) as caught:
        main([*own, "--help"])
    assert caught.value.code == 0


def _split(arguments):
    if "--" not in arguments:
        return arguments, "", []
    at = arguments.index("--")
    return arguments[:at], "--", arguments[at + 1 :]


def export(arguments):
    """Names are known and values right: the settings take them without a word."""
    given = dict(argument.split("=", 1) for argument in arguments)
    settings = {name: value for name, value in given.items() if name.startswith("OTEL_")}
    assert given.keys() - settings.keys() <= {"GRAFANA_ADMIN_PASSWORD", "PYTHON"}
    assert Settings.from_environ(settings).warnings == ()


def docker(arguments):
    assert arguments[0] == "compose"
    assert set(re.findall(r"--profile (\S+)", " ".join(arguments))) <= PROFILES


def pip(arguments):
    assert arguments[0] == "install"
    for requirement in arguments[1:]:
        name, _, extras = requirement.rstrip("]").partition("[")
        if name == PROJECT["name"]:
            asked = {each for each in extras.split(",") if each}
            assert asked <= PROJECT["optional-dependencies"].keys()


def installed(program):
    assert (Path(sys.executable).parent / program).exists(), program


def wrapped(arguments):
    installed("opentelemetry-instrument")
    installed(arguments[0])


def python(arguments):
    if arguments[0].endswith(".py"):
        assert (ROOT / arguments[0]).is_file()


def anything(arguments):
    """Part of every system, or named only as an example of a user's own."""


CHECKS = {
    "make": make,
    "otel-flow": otel_flow,
    "export": export,
    "docker": docker,
    "pip": pip,
    "opentelemetry-instrument": wrapped,
    "uvicorn": lambda _arguments: installed("uvicorn"),
    "celery": lambda _arguments: installed("celery"),
    "python": python,
    **dict.fromkeys(("cd", "curl", "jq", "git", "head"), anything),
}
