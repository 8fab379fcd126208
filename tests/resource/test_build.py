import os
import pathlib
import subprocess
import sys
import threading

from importlib.metadata import version

import pytest

from opentelemetry.sdk.resources import Resource

from otel_flow.resource import build_resource, renew_resource
from otel_flow.settings import Settings
from tests.distributions import install


def attributes(settings=None, **keywords):
    settings = settings or Settings(**keywords)
    return build_resource(settings, instance_id="i-1").attributes


def test_what_a_resource_says():
    """A resource names the service, its instance, process, host, SDK and distribution."""
    found = attributes(
        service_name="shop",
        service_version="2.1",
        service_namespace="retail",
        environment="production",
    )

    assert found["service.name"] == "shop"
    assert found["service.version"] == "2.1"
    assert found["service.namespace"] == "retail"
    assert found["service.instance.id"] == "i-1"
    assert found["deployment.environment.name"] == "production"
    assert found["telemetry.sdk.name"] == "opentelemetry"
    assert found["telemetry.sdk.language"] == "python"
    assert found["telemetry.sdk.version"] == version("opentelemetry-sdk")
    assert found["telemetry.distro.name"] == "otel-flow"
    assert found["telemetry.distro.version"] == version("otel-flow")
    assert found["process.pid"] == os.getpid()
    assert found["process.runtime.name"] == sys.implementation.name
    assert found["process.executable.name"] == pathlib.Path(sys.executable).name
    assert found["host.name"]
    assert found["os.type"] == "linux"


def test_unset_fields_leave_no_attributes():
    """What is not known is absent, not empty."""
    found = attributes(service_name="shop", service_version="1")

    assert "service.namespace" not in found
    assert "deployment.environment.name" not in found
    assert all(value not in {"", None} for value in found.values())


def test_command_line_is_left_out():
    """The arguments of the process, where people put secrets, are no attributes."""
    found = attributes(service_name="shop")

    assert not {"process.command_args", "process.command_line"} & found.keys()


def test_unknown_service():
    """A process whose distribution is not known has the fallback name of the specification."""
    script = (
        "from otel_flow.resource import build_resource\n"
        "from otel_flow.settings import Settings\n"
        "print(build_resource(Settings(), instance_id='i').attributes['service.name'])\n"
    )

    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )

    assert result.stdout == "unknown_service:python\n"


@pytest.mark.parametrize(
    ("environ", "keywords", "expected"),
    [
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=attribute"}, {}, "attribute"),
        (
            {"OTEL_RESOURCE_ATTRIBUTES": "service.name=attribute", "OTEL_SERVICE_NAME": "own"},
            {},
            "own",
        ),
        ({"OTEL_SERVICE_NAME": "own"}, {"service_name": "keyword"}, "keyword"),
    ],
)
def test_precedence_of_names(environ, keywords, expected):
    """Keyword, then OTEL_SERVICE_NAME, then OTEL_RESOURCE_ATTRIBUTES name the service."""
    assert attributes(Settings.from_environ(environ, **keywords))["service.name"] == expected


def test_precedence_of_attributes():
    """Resource attributes win over the platform's, and both over what was detected."""
    settings = Settings(
        service_name="shop",
        platform_attributes={"k8s.pod.name": "shop-1", "host.name": "node"},
        resource_attributes={"k8s.pod.name": "mine", "team": "a"},
    )

    found = attributes(settings)
    assert found["k8s.pod.name"] == "mine"
    assert found["host.name"] == "node"
    assert found["team"] == "a"


def test_instance_id_is_the_one_given():
    """The instance id is what the caller decided, not what the attributes say."""
    found = attributes(resource_attributes={"service.instance.id": "pod-1"}, service_name="shop")

    assert found["service.instance.id"] == "i-1"


def test_no_thread_is_left():
    """Building a resource leaves no thread behind."""
    before = set(threading.enumerate())
    attributes(service_name="shop", resource_detectors=("os", "process"))

    assert set(threading.enumerate()) <= before


def test_renewed_in_a_child():
    """A forked child has its own process and instance, and everything else of its parent."""
    parent = Resource(
        {"service.name": "shop", "process.pid": -1, "service.instance.id": "a"}, "url"
    )

    child = renew_resource(parent, instance_id="b")

    assert child.attributes == {
        "service.name": "shop",
        "process.pid": os.getpid(),
        "service.instance.id": "b",
    }
    assert child.schema_url == "url"


def test_version_of_the_running_distribution(tmp_path):
    """A service that runs from an installed distribution has its name and version."""
    script = (
        "from otel_flow.resource import build_resource\n"
        "from otel_flow.settings import Settings\n"
        "found = build_resource(Settings(), instance_id='i').attributes\n"
        "print(found['service.name'], found['service.version'])\n"
    )
    modules = {"corner/__init__.py": "", "corner/__main__.py": script}
    install(tmp_path, "corner-shop", version="4.5", modules=modules)

    result = subprocess.run(
        [sys.executable, "-m", "corner"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert result.stdout == "corner-shop 4.5\n"
