"""The file beside stdout, by itself."""

import logging
import subprocess
import sys

from otel_flow.log_chain.file import RotatingFile


def written(tmp_path):
    """What is in each file, by name."""
    files = [path for path in tmp_path.iterdir() if path.suffix != ".lock"]
    return {path.name: path.read_text().split() for path in files}


def test_the_latest_are_kept(tmp_path):
    """A full file is renamed, the numbers count up, and the oldest beyond the number goes."""
    file = RotatingFile(str(tmp_path / "a.log"), size=8, backups=2)
    for line in ["one", "two", "three", "four", "five"]:
        file.write(line)
    file.close()

    assert written(tmp_path) == {"a.log": ["five"], "a.log.1": ["four"], "a.log.2": ["three"]}


def test_without_backups(tmp_path):
    """Without backups a full file begins anew."""
    file = RotatingFile(str(tmp_path / "a.log"), size=8, backups=0)
    for line in ["one", "two", "three"]:
        file.write(line)
    file.close()

    assert written(tmp_path) == {"a.log": ["three"]}


def test_a_file_that_is_moved_away(tmp_path):
    """What another program moves or removes is opened anew by the next line."""
    path = tmp_path / "a.log"
    file = RotatingFile(str(path), size=1000, backups=1)
    file.write("one")
    path.rename(tmp_path / "moved")
    file.write("two")
    path.unlink()
    file.write("three")
    file.close()

    assert written(tmp_path) == {"moved": ["one"], "a.log": ["three"]}


def test_a_file_that_cannot_be_written(tmp_path, caplog):
    """Where the folder has gone nothing is raised, and one line says what is missing."""
    folder = tmp_path / "gone"
    folder.mkdir()
    file = RotatingFile(str(folder / "a.log"), size=1000, backups=1)
    folder.rmdir()
    with caplog.at_level(logging.WARNING, "otel_flow"):
        file.write("one")
        file.write("two")

    assert [record.getMessage() for record in caplog.records] == [
        f"lines are missing in {folder / 'a.log'}: No such file or directory"
    ]


WORK = """
import sys
from otel_flow.log_chain.file import RotatingFile
path, name = sys.argv[1:]
file = RotatingFile(path, size=40, backups=1000)
print("ready", flush=True)
sys.stdin.readline()
for number in range(100):
    file.write(f"{name}-{number}")
"""


def test_several_processes_take_turns(tmp_path):
    """Processes that find the file full at the same time neither rename it twice nor lose a line."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WORK, str(tmp_path / "a.log"), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in "abcd"
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=120)

    lines = [line for lines in written(tmp_path).values() for line in lines]
    assert sorted(lines) == sorted(f"{name}-{number}" for name in "abcd" for number in range(100))
