"""docs/architecture.md tells what is there."""

import pkgutil
import re
import tomllib

import otel_flow

from tests.stack.build import ROOT


PAGE = (ROOT / "docs" / "architecture.md").read_text()
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
ROOM = re.compile(r"^\| (\d+) \| `(\w+)` \| (.+) \|$", re.MULTILINE)


def rooms():
    return {name: int(row) for row, name, _ in ROOM.findall(PAGE)}


def test_every_module_of_the_package_is_in_the_table():
    """The table names exactly the modules that there are."""
    assert set(rooms()) == {module.name for module in pkgutil.iter_modules(otel_flow.__path__)}


def test_rows_are_the_layers_that_are_checked():
    """A room's row is its layer in the import contract, counted from the top."""
    (layers,) = [each["layers"] for each in CONTRACTS["contracts"] if each["type"] == "layers"]
    checked = {
        name: number for number, layer in enumerate(layers, 1) for name in re.findall(r"\w+", layer)
    }

    assert rooms() == {name: row for name, row in checked.items() if name in rooms()}


def test_the_picture_names_rooms_that_exist():
    """Every room that the picture or a step names is in the table."""
    picture = PAGE.partition("```mermaid")[2].partition("```")[0]
    steps = PAGE.partition("```\n\n1.")[2].partition("## ")[0]
    named = set(re.findall(r"(?:^|> |--> |& )(\w+)(?= --|$)", picture, re.MULTILINE))

    assert {"instrumentation", "delivery", "providers"} <= named
    assert set(re.findall(r"`(\w+)`", steps)) <= set(rooms())


def test_folders_beside_the_package_exist():
    """Every folder that the second table names is there."""
    beside = PAGE.partition("## Beside the package")[2]
    folders = re.findall(r"^\| `(\w+)/` \|", beside, re.MULTILINE)

    assert folders
    assert [name for name in folders if not (ROOT / name).is_dir()] == []
