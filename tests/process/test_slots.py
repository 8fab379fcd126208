"""Who processes are: ids that are unique among the living and taken over from the dead."""

import ctypes
import os
import random
import subprocess
import sys
import uuid

import pytest

from otel_flow.process import slots
from otel_flow.process.identity import Identity
from otel_flow.process.slots import Slot


HOLDER = """
import sys
from otel_flow.process.identity import Identity
own = sys.argv[2] if len(sys.argv) > 2 else None
identity = Identity(service=sys.argv[1], mode="slot", own=own)
print(identity.current(), flush=True)
sys.stdin.read()
"""


class Holder:
    """A process that holds an id until it is told to end."""

    def __init__(self, *arguments, before=()):
        self._process = subprocess.Popen(
            [*before, sys.executable, "-c", HOLDER, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._id = ""

    @property
    def id(self):
        """The id; waits until the process has one."""
        self._id = self._id or self._process.stdout.readline().strip()
        return self._id

    def end(self, *, kill=False):
        if kill:
            self._process.kill()
        self._process.communicate(timeout=30)


@pytest.fixture
def service():
    """A service that no other test knows."""
    return f"shop-{uuid.uuid4().hex}"


@pytest.fixture
def hold():
    """Start holders of ids, and end them all."""
    holders = []

    def hold(*arguments, **keywords):
        holders.append(Holder(*arguments, **keywords))
        return holders[-1]

    yield hold
    for holder in holders:
        holder.end()


@pytest.fixture
def identify():
    """Make identities of this process, and release them."""
    made = []

    def identify(service, mode="slot", own=None):
        made.append(Identity(service=service, mode=mode, own=own))
        return made[-1]

    yield identify
    for identity in made:
        identity.release()


def answers_of_child(function, fork=os.fork):
    """Return the lines that *function* gives in a forked child."""
    reading, writing = os.pipe()
    child = fork()
    if child == 0:
        try:
            os.write(writing, "\n".join(map(str, function(writing))).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answers:
        lines = answers.read().splitlines()
    os.waitpid(child, 0)
    return lines


def test_the_living_have_different_ids(hold, service):
    """Processes of one service that run at the same time never share an id."""
    assert len({hold(service).id for _ in range(3)}) == 3


@pytest.mark.parametrize("kill", [False, True], ids=["exit", "SIGKILL"])
def test_an_id_is_taken_over(hold, service, kill):
    """The next process has the id of the one that ended, however it ended."""
    first, second = hold(service), hold(service)
    assert first.id != second.id
    first.end(kill=kill)

    assert hold(service).id == first.id
    assert second.id != first.id


def test_services_count_apart(hold, service):
    """The first processes of two services have different ids, in slot 0 each."""
    ids = {hold(service).id, hold(f"{service}-2").id}

    assert len(ids) == 2
    assert all(uuid.UUID(one).version == 5 for one in ids)


def test_a_users_own_id(hold, service):
    """A user's id stays for the first process and is numbered for further ones."""
    assert hold(service, "pod-1").id == "pod-1"
    assert hold(service, "pod-1").id == "pod-1/1"
    assert hold(service, "pod-2").id == "pod-2"


def test_many_start_together(hold, service):
    """Processes that start at the same moment share out the lowest slots, one each."""
    together = [hold(service, "pod") for _ in range(8)]

    assert {holder.id for holder in together} == {"pod", *(f"pod/{n}" for n in range(1, 8))}


def test_two_containers_on_one_network(hold, service):
    """Containers that share a network, as in a pod, have different ids, whatever else is apart."""
    container = ("unshare", "--user", "--map-root-user", "--mount", "--uts", "--pid", "--fork")
    tried = subprocess.run([*container, "true"], capture_output=True, check=False)
    before = () if tried.returncode else container
    ids = [hold(service, before=before).id for _ in range(2)]

    assert [uuid.UUID(one).version for one in ids] == [5, 5]
    assert ids[0] != ids[1]


def test_two_networks_do_not_meet(service, monkeypatch, tmp_path):
    """The same slot in two network namespaces is two ids."""
    slot = Slot.take(service)
    here = slot.instance_id()
    monkeypatch.setattr(slots, "_NETWORK", tmp_path)
    there = slot.instance_id()
    slot.release()

    assert here != there


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_two_users_share_the_slots(identify, service):
    """Processes of different users have different ids: a slot is no file that one could not see."""
    mine = identify(service, own="pod").current()

    def other(_pipe):
        if os.geteuid() == 0:
            os.setuid(65534)
        return [Identity(service=service, mode="slot", own="pod").current()]

    assert (mine, answers_of_child(other)) == ("pod", ["pod/1"])


def test_on_doubt_a_uuid(identify, service, monkeypatch, tmp_path):
    """Where the host cannot be told, and where there are no slots, each process has a new UUID."""
    with monkeypatch.context() as patch:
        patch.setattr(slots, "_BOOT", tmp_path / "missing")
        unknown = identify(service)
        ids = [unknown.current()]
        patch.setattr(Slot, "available", staticmethod(lambda: False))
        ids.append(identify(service).current())
    free = Slot.take(service)
    free.release()

    assert [uuid.UUID(one).version for one in ids] == [4, 4]
    assert (unknown.since, free.number) == (None, 0)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_has_its_own(identify, service):
    """A forked child takes a slot of its own and leaves its parent's alone."""
    identity = identify(service, own="pod-1")
    parent = identity.current()

    assert answers_of_child(lambda _: [identity.current()]) == ["pod-1/1"]
    assert (parent, identity.current(), identity.confirm()) == ("pod-1", "pod-1", True)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_modes_without_slots(identify, service):
    """``uuid`` gives each process its own, ``fixed`` gives all the same, the user's if there is one."""
    random, fixed = identify(service, "uuid"), identify(service, "fixed")
    named, mine = identify(service, "fixed", "pod-1"), identify(service, "uuid", "pod-1")
    identities = (random, fixed, named, mine)
    parent = [identity.current() for identity in identities]
    child = answers_of_child(lambda _: [identity.current() for identity in identities])

    assert parent[0] != child[0]
    assert parent[1] == child[1]
    assert (parent[2], child[2]) == ("pod-1", "pod-1")
    assert parent[3] == "pod-1" != child[3]
    assert all(identity.since is None for identity in identities)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_daemon_takes_another_slot(identify, service):
    """A process that closed all its descriptors, as daemons do, has an id nobody else has."""
    identity = identify(service, own="pod-1")
    identity.current()

    def daemon(pipe):
        before = identity.current()
        os.closerange(3, pipe)
        os.closerange(pipe + 1, 256)
        rival = Identity(service=service, mode="slot", own="pod-1")
        return [before, rival.current(), identity.confirm(), identity.current()]

    assert answers_of_child(daemon) == ["pod-1/1", "pod-1/1", "False", "pod-1/2"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_descriptor_that_is_anothers_is_left_alone(identify, service):
    """Where a daemon's descriptor has been given to a file, that file is not closed."""
    identity = identify(service)

    def daemon(pipe):
        identity.current()
        lost = identity._slot._socket.fileno()
        os.dup2(pipe, lost)
        confirmed = identity.confirm()
        os.fstat(lost)
        return [confirmed]

    assert answers_of_child(daemon) == ["False"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_slot_lost_in_use_becomes_a_uuid(identify, service):
    """Values that are already under way go on under an id that nobody has had."""
    identity = identify(service)
    identity.current()

    def careless(pipe):
        identity.confirm()
        before = identity.current()
        os.close(identity._slot._socket.fileno())
        return [before, identity.confirm(), identity.current(), identity.since]

    before, confirmed, after, since = answers_of_child(careless)
    assert (confirmed, since) == ("False", "None")
    assert uuid.UUID(after).version == 4
    assert before != after


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_child_that_python_did_not_fork(identify, service):
    """A child forked by C, where no hook ran, notices before it exports."""
    identity = identify(service, own="pod-1")
    identity.current()
    answers = answers_of_child(
        lambda _: [identity.confirm(), identity.current()], ctypes.PyDLL(None).fork
    )

    assert answers == ["False", "pod-1/1"]
    assert identity.confirm()


def test_any_name_of_a_service_has_slots():
    """A name too long for a socket, or with odd characters, still has slots."""
    slots = [Slot.take(name) for name in ("x" * 500, "ü/\0/\ud800" + uuid.uuid4().hex)]

    assert all(slot is not None and slot.is_ours() for slot in slots)
    assert all(slot.instance_id() for slot in slots)
    for slot in slots:
        slot.release()


def test_ten_thousand_recycles_make_no_more_ids_than_workers(service):
    """Four workers of which one at random is replaced, ten thousand times, have had four ids."""
    workers = [Slot.take(service) for _ in range(4)]
    ids = {worker.instance_id() for worker in workers}
    for _ in range(10_000):
        place = random.randrange(4)
        workers[place].release()
        workers[place] = Slot.take(service)
        ids.add(workers[place].instance_id())
    for worker in workers:
        worker.release()

    assert len(ids) == 4
