import pytest

from otel_flow.resource.container import container_id


DOCKER = "0123456789abcdef" * 4
SANDBOX = "fedcba9876543210" * 4
TASK = "0123456789abcdef" * 2 + "-1234567890"


@pytest.mark.parametrize(
    ("cgroup", "expected"),
    [
        (f"12:pids:/docker/{DOCKER}\n", DOCKER),
        (f"0::/system.slice/docker-{DOCKER}.scope\n", DOCKER),
        (f"1:name=systemd:/kubepods/burstable/pod1-2/{DOCKER}\n", DOCKER),
        (
            f"0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-{DOCKER}.scope\n",
            DOCKER,
        ),
        (f"0::/kubepods.slice/kubepods-pod1.slice:cri-containerd:{DOCKER}\n", DOCKER),
        (f"0::/machine.slice/libpod-{DOCKER}.scope\n", DOCKER),
        (f"0::/crio-{DOCKER}.scope\n", DOCKER),
        (f"9:perf_event:/ecs/{TASK.partition('-')[0]}/{TASK}\n", TASK),
        ("0::/\n", None),
        ("0::/user.slice/user-1000.slice/session-2.scope\n", None),
        (f"4:memory:/jobs/{DOCKER[:32]}\n", None),
        (f"0::/docker/{DOCKER}/inner.slice\n", None),
        ("", None),
    ],
)
def test_control_group(tmp_path, cgroup, expected):
    """The path of a control group names the container, for every engine."""
    (tmp_path / "cgroup").write_text(cgroup)

    assert container_id(tmp_path) == expected


@pytest.mark.parametrize(
    ("root", "mount_point", "expected"),
    [
        (f"/var/lib/docker/containers/{DOCKER}/hostname", "/etc/hostname", DOCKER),
        (f"/var/lib/docker/containers/{DOCKER}/resolv.conf", "/etc/resolv.conf", DOCKER),
        (
            f"/containers/storage/overlay-containers/{DOCKER}/userdata/hostname",
            "/etc/hostname",
            DOCKER,
        ),
        (
            f"/var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/{SANDBOX}/hostname",
            "/etc/hostname",
            None,
        ),
        (f"/var/lib/docker/volumes/{DOCKER}/hostname", "/data/hostname", None),
        ("/", "/etc", None),
    ],
)
def test_mounts(tmp_path, root, mount_point, expected):
    """Under version 2, the files mounted over /etc name the container; a sandbox is none."""
    (tmp_path / "cgroup").write_text("0::/\n")
    (tmp_path / "mountinfo").write_text(
        "22 27 0:21 / /proc rw,relatime - proc proc rw\nodd line\n"
        f"983 961 0:56 {root} {mount_point} rw,relatime - ext4 /dev/sda1 rw\n"
    )

    assert container_id(tmp_path) == expected


def test_elsewhere(tmp_path):
    """Where there is no /proc, there is no container."""
    assert container_id(tmp_path / "nowhere") is None
