"""The file beside stdout, by itself."""

import contextlib
import logging
import os
import signal
import subprocess
import sys

import pytest

from otel_flow.log_chain.file import RotatingFile


PATIENCE = 90
"""Seconds after which a process hangs."""


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


FORKING = """
import os, signal, sys, threading
from otel_flow.log_chain.file import RotatingFile
from otel_flow.process.fork import on_fork
file = RotatingFile(sys.argv[1], size=8, backups=1)
on_fork(child=file.renew)
file.write("first")
rotating, forked = threading.Event(), threading.Event()

def rotate():
    with file._lock, file._alone():
        rotating.set()
        forked.wait()

thread = threading.Thread(target=rotate)
thread.start()
rotating.wait()
child = os.fork()
if not child:
    if sys.argv[2] == "child":
        file.write("child")
        os._exit(0)
    signal.pause()
forked.set()
thread.join()
if sys.argv[2] == "parent":
    file.write("parent")
    os.kill(child, signal.SIGKILL)
os.waitpid(child, 0)
"""


@pytest.mark.parametrize("who", ["child", "parent"])
def test_a_fork_while_a_file_is_renamed(tmp_path, who):
    """Neither a child that is forked while a thread renames the file waits for ever, nor its parent."""
    program = [sys.executable, "-W", "ignore", "-c", FORKING, str(tmp_path / "a.log"), who]
    # A child that hangs holds the pipes.
    with subprocess.Popen(program, start_new_session=True) as running:
        try:
            status = running.wait(PATIENCE)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)

    assert status == 0
    assert written(tmp_path) == {"a.log": [who], "a.log.1": ["first"]}


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
