"""
Run a command that ends when this process' parent does: ``python child.py CMD ARG…``.

A demo that is killed must not leave its services behind. Run by its path, so that
nothing of the package is imported before the command.
"""

import contextlib
import ctypes
import os
import signal
import sys


_PR_SET_PDEATHSIG = 1

with contextlib.suppress(OSError, AttributeError):  # Linux only
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 - becoming the command is the purpose
