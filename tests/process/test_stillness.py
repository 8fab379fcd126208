"""What stands still while threads fork at the same time."""

import subprocess
import sys


TWO_FORKS = """
import os, threading

both = threading.Barrier(2)
# Hooks run backwards: this one between ours and the fork itself, in both threads at a time.
os.register_at_fork(before=lambda: both.parties > 1 and both.wait(60))

from otel_flow.process.stillness import still_while_forking

told, lock = [], threading.Lock()

def hold():
    told.append("hold" if lock.acquire(blocking=False) else "held already")

def release():
    told.append("release")
    lock.release()

def fork():
    child = os.fork()
    if not child:
        os._exit(0 if lock.locked() else 1)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        told.append("moved")

still_while_forking(hold, release)
threads = [threading.Thread(target=fork) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(*told, flush=True)

both = threading.Barrier(1)
child = os.fork()
if not child:
    # The child's own forks are as its parent's, whose lock it has no more.
    del told[:]
    lock = threading.Lock()
    fork()
    print(*told, flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""


def test_forks_at_the_same_time():
    """Forks of two threads hold once what must stand still, until both are over, and release it once."""
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", TWO_FORKS],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )

    at_once, in_a_child = ended.stdout.splitlines()
    assert at_once == "hold release"
    assert in_a_child == "hold release"
