"""What is delivered by children that end in os._exit, and by a process that dies holding locks."""

import signal
import subprocess
import sys
import time

import pytest


BILLIARD = """
import sys
from otel_flow import process

def record(seconds):
    with open(sys.argv[1], "a") as file:
        file.write("flushed\\n")

process.on_flush(record, name="test")
process.install(5)

from billiard.pool import Pool

pool = Pool(1)
assert pool.apply(abs, (-3,)) == 3
pool.close()
pool.join()
"""

MULTIPROCESSING = """
import multiprocessing, sys
from otel_flow import process

def record(seconds):
    with open(sys.argv[1], "a") as file:
        file.write("flushed\\n")

def work():
    if sys.argv[3] == "late":
        process.on_flush(record, name="test")
        process.install(5)

if sys.argv[3] == "early":
    process.on_flush(record, name="test")
    process.install(5)

if __name__ == "__main__":
    child = multiprocessing.get_context(sys.argv[2]).Process(target=work)
    child.start()
    child.join()
    assert child.exitcode == 0
"""

LOCKED = """
import sys, threading, time
from otel_flow import process

lock = threading.Lock()

def record(seconds):
    with lock:
        pass

process.on_exit(record, name="test")
process.install(0.3)
with lock:
    print("ready", flush=True)
    time.sleep(60)
"""


def run(tmp_path, source, *arguments):
    """Run *source* to its end and return what its callbacks wrote."""
    script = tmp_path / "script.py"
    script.write_text(source)
    record = tmp_path / "record"
    record.touch()
    subprocess.run([sys.executable, script, record, *arguments], check=True, timeout=60)
    return record.read_text().splitlines()


def test_a_billiard_worker_flushes(tmp_path):
    """A worker of billiard's pool, as Celery's prefork uses it, flushes once before os._exit."""
    assert run(tmp_path, BILLIARD) == ["flushed"]


@pytest.mark.parametrize("moment", ["early", "late"])
@pytest.mark.parametrize("method", ["fork", "forkserver"])
def test_a_multiprocessing_child_flushes(tmp_path, method, moment):
    """A child that ends in os._exit flushes once, also when it is configured in the child."""
    assert run(tmp_path, MULTIPROCESSING, method, moment) == ["flushed"]


def test_a_lock_of_the_main_thread_does_not_hang_sigterm():
    """SIGTERM while the main thread holds a lock a callback needs ends by the deadline, with -15."""
    with subprocess.Popen(
        [sys.executable, "-c", LOCKED], stdout=subprocess.PIPE, text=True
    ) as process:
        process.stdout.readline()
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        status = process.wait(timeout=30)

    assert status == -signal.SIGTERM
    assert time.monotonic() - began < 10
