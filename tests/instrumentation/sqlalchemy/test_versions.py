"""The same promises with the older versions of SQLAlchemy, in environments of their own."""

import subprocess
import sys

import pytest

from tests.environments import environment
from tests.stack.build import ROOT


# The first of 2.0 that can be imported on Python 3.13.
OLDEST = "2.0.31" if sys.version_info >= (3, 13) else "2.0.30"


@pytest.mark.parametrize(
    "requirements",
    [("sqlalchemy[asyncio]==1.4.54", "psycopg2-binary"), (f"sqlalchemy[asyncio]=={OLDEST}",)],
)
def test_another_version(requirements):
    """The tests of engines, pools and PostgreSQL pass with this version."""
    done = subprocess.run(
        [
            *(environment(*requirements), "-m", "pytest", "-q", "-x", "-W", "default"),
            *("-p", "no:cacheprovider"),
            *(
                f"tests/instrumentation/sqlalchemy/test_{name}.py"
                for name in ("engines", "pools", "postgresql")
            ),
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-4000:]
