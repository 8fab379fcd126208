import json
import os
import pathlib
import subprocess
import sys

from importlib.metadata import version

import pytest

from otel_flow.resource.application import Application, running_application
from tests.distributions import install


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """Install the distribution corner-shop, whose modules are called otherwise."""
    modules = {"corner/__init__.py": "", "counter.py": ""}
    install(tmp_path, "corner-shop", version="4.5", modules=modules)
    monkeypatch.syspath_prepend(tmp_path)
    return Application("corner-shop", "4.5")


def scripts(name: str) -> str:
    return str(pathlib.Path(sys.executable).parent / name)


@pytest.mark.parametrize(
    "command",
    [
        ["python", "-m", "corner"],
        ["python", "-m", "corner.serve", "--port", "1"],
        ["python", "-m", "counter"],
        ["python", "-W", "error", "-X", "dev", "-u", "-m", "corner"],
        ["python", "/usr/bin/uvicorn", "corner.web:app", "--workers", "4"],
        ["python", "/usr/bin/uvicorn", "--reload", "corner:app"],
        ["python", "-m", "uvicorn", "corner.web:create_app", "--factory"],
        ["python", "/usr/bin/gunicorn", "-k", "uvicorn.workers.UvicornWorker", "corner.web:app"],
        ["python", "/usr/bin/celery", "-A", "corner.tasks", "worker"],
        ["python", "/usr/bin/celery", "--app=corner.tasks:app", "worker"],
        ["python", "-m", "celery", "--app", "corner", "beat"],
        ["python", "/usr/bin/flask", "--app", "corner", "run"],
    ],
)
def test_module_of_a_distribution(shop, command):
    """Modules, and apps that servers and workers load, lead to their distribution."""
    assert running_application(command) == shop


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["python"],
        ["python", "-m"],
        ["python", "-c", "print()"],
        ["python", "app.py"],
        ["python", "-m", "nowhere_to_be_found"],
        ["python", "/usr/bin/uvicorn"],
        ["python", "/usr/bin/uvicorn", "nowhere_to_be_found:app"],
        ["python", "/usr/bin/celery", "-A"],
        ["python", "-m", "pytest", "tests"],
        ["python", "/elsewhere/bin/hypothesis"],
    ],
)
def test_unknown(command):
    """A script, a launcher without an app, or a module of nobody leads to nothing."""
    assert running_application(command) is None


def test_console_script():
    """A console script leads to the distribution that brought it."""
    found = running_application(["python", scripts("hypothesis"), "--help"])

    assert found == Application("hypothesis", version("hypothesis"))


def test_editable_installation(tmp_path, monkeypatch):
    """A distribution that is installed from a folder is found by the folder's packages."""
    (tmp_path / "project" / "src" / "corner").mkdir(parents=True)
    (tmp_path / "project" / "src" / "corner" / "__init__.py").touch()
    url = (tmp_path / "project").as_uri()
    direct_url = json.dumps({"url": url, "dir_info": {"editable": True}})
    install(tmp_path / "site", "corner-shop", version="7", direct_url=direct_url)
    monkeypatch.syspath_prepend(tmp_path / "site")

    assert running_application(["python", "-m", "corner"]) == Application("corner-shop", "7")


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_child_of_multiprocessing(tmp_path, method):
    """A child that multiprocessing started has the application of its parent."""
    work = """
        from otel_flow.resource.application import running_application


        def child():
            print(running_application(), flush=True)
        """
    start = f"""
        import multiprocessing

        from corner.work import child

        if __name__ == "__main__":
            process = multiprocessing.get_context("{method}").Process(target=child)
            process.start()
            process.join()
        """
    modules = {"corner/__init__.py": "", "corner/work.py": work, "corner/__main__.py": start}
    install(tmp_path, "corner-shop", version="4.5", modules=modules)

    result = subprocess.run(
        [sys.executable, "-m", "corner"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )

    assert result.stdout == "Application(name='corner-shop', version='4.5')\n"
