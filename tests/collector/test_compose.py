"""docker-compose.yml, checked without a Docker engine."""

import re
import subprocess
import sys

from pathlib import Path

import pytest
import yaml

from tests.stack.build import ROOT, binary
from tests.stack.compose import COMPOSE, load, services
from tests.stack.launch import NATIVE


SERVICES = load()["services"]
NAMES = sorted(SERVICES)
CHECKER = Path(sys.executable).parent / "check-jsonschema"


def test_the_file_is_valid_by_the_schema():
    """The compose specification's own schema accepts the file."""
    done = subprocess.run(
        [CHECKER, "--builtin-schema", "vendor.compose-spec", COMPOSE],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout


def test_images_have_the_versions_that_are_built_natively():
    """What the tests ran is what the containers run."""
    by_image = {service.repository: service.version for service in services().values()}

    assert {image: by_image[image] for image in NATIVE} == {
        image: program.version for image, program in NATIVE.items()
    }


@pytest.mark.parametrize("name", NAMES)
def test_ports_are_published_on_loopback_only(name):
    """Nobody on the network reaches a server that asks for no password."""
    published = SERVICES[name].get("ports", [])

    assert [port for port in published if not port.startswith("127.0.0.1:")] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_service_is_restarted_and_bounded(name):
    """A server that dies comes back, and none takes the machine's memory."""
    assert SERVICES[name]["restart"] == "unless-stopped"
    assert re.fullmatch(r"\d+[mg]", SERVICES[name]["mem_limit"])


@pytest.mark.parametrize("name", NAMES)
def test_every_service_says_whether_it_is_healthy(name):
    """All have a health check, except the Collector, whose image has nothing to run one with."""
    assert ("healthcheck" in SERVICES[name]) == (name != "otelcol")


@pytest.mark.parametrize("name", NAMES)
def test_images_are_pinned(name):
    """A version that was tested is not replaced by a newer one."""
    image = SERVICES[name].get("image")

    assert image is None or re.search(r":v?\d+\.\d+", image)


def test_what_is_mounted_exists():
    """Every path of the repository that a service mounts is there, every volume declared."""
    sources = {source for service in services().values() for source, _ in service.mounts}
    volumes = set(load()["volumes"])

    assert {s for s in sources if s.startswith("./") and not (ROOT / s).exists()} == set()
    assert {s for s in sources if not s.startswith("./")} == volumes


def test_dependencies_and_addresses_name_services_of_the_file():
    """No service looks for one that is not there."""
    targets = ROOT / "collector" / "prometheus" / "targets" / "compose.yml"
    scraped = {
        target.partition(":")[0]
        for group in yaml.safe_load(targets.read_text())
        for target in group["targets"]
    }
    needed = {each for body in SERVICES.values() for each in body.get("depends_on", ())}

    assert scraped | needed <= set(NAMES)


@pytest.mark.parametrize(
    ("password", "expected"),
    [("", "true true unset"), ("secret", "unset unset secret")],
    ids=["without", "with"],
)
def test_grafana_has_an_administrator_only_with_a_password(password, expected, tmp_path):
    """Without GRAFANA_ADMIN_PASSWORD nobody can log in; with it the administrator can."""
    body = load({"GRAFANA_ADMIN_PASSWORD": password})["services"]["grafana"]
    run = tmp_path / "run.sh"
    run.write_text(
        '#!/bin/sh\necho "${GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION-unset}'
        ' ${GF_AUTH_DISABLE_LOGIN_FORM-unset} ${GF_SECURITY_ADMIN_PASSWORD-unset}"\n'
    )
    run.chmod(0o755)
    command = [part.replace("/run.sh", str(run)) for part in body["entrypoint"]]

    done = subprocess.run(
        command, env=body["environment"], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == expected


def test_anonymous_visitors_of_grafana_are_viewers():
    """Nobody changes anything without logging in, but the links into Explore work."""
    environment = SERVICES["grafana"]["environment"]

    assert environment["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert environment["GF_USERS_VIEWERS_CAN_EDIT"] == "true"


@pytest.mark.stack
@pytest.mark.parametrize("name", ["prometheus", "loki", "jaeger"])
def test_health_checks_tell_a_running_server_from_none(name, stack):
    """Each health check's command succeeds against the running server and fails against none."""
    test = SERVICES[name]["healthcheck"]["test"]
    native = [part.replace("/usr/bin/loki", str(binary(NATIVE["grafana/loki"]))) for part in test]
    _, *against_none = [re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:9", part) for part in native]
    _, *against_running = [stack.local(name, part) for part in native]

    assert subprocess.run(against_running, capture_output=True, check=False).returncode == 0
    assert subprocess.run(against_none, capture_output=True, check=False).returncode != 0
