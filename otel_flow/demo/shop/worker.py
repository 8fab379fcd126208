"""The worker of the shop: ``celery -A otel_flow.demo.shop.worker worker``."""

from __future__ import annotations

import otel_flow

from otel_flow.demo.shop import catalogue
from otel_flow.demo.shop.tasks import queue


telemetry = otel_flow.configure()
telemetry.instrument(queue, catalogue.engine)
app = queue
