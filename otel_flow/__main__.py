"""``python -m otel_flow``."""

from __future__ import annotations

import sys

from otel_flow.cli import main


if __name__ == "__main__":
    sys.exit(main())
