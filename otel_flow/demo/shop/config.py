"""What the shop reads from its environment."""

from __future__ import annotations

import dataclasses
import os
import tempfile

from pathlib import Path
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Where the shop keeps its data; *redis_url* is None where it has no cache."""

    database_url: str
    broker_url: str
    broker_folder: Path
    redis_url: str | None

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> Config:
        """Read ``SHOP_HOME``, ``SHOP_DATABASE_URL``, ``SHOP_BROKER_URL`` and ``SHOP_REDIS_URL``."""
        home = Path(environ.get("SHOP_HOME") or Path(tempfile.gettempdir()) / "otel-flow-shop")
        home.mkdir(parents=True, exist_ok=True)
        return cls(
            database_url=environ.get("SHOP_DATABASE_URL") or f"sqlite:///{home / 'shop.sqlite'}",
            broker_url=environ.get("SHOP_BROKER_URL") or "filesystem://localhost",
            broker_folder=home / "broker",
            redis_url=environ.get("SHOP_REDIS_URL") or None,
        )


CONFIG = Config.from_environ()
