"""What the worker does after an order was placed."""

from __future__ import annotations

import random
import time

import celery
import structlog

from kombu.transport import TRANSPORT_ALIASES

from otel_flow.demo.shop import catalogue
from otel_flow.demo.shop.config import CONFIG


log = structlog.get_logger("shop.tasks")

queue = celery.Celery("shop", broker=CONFIG.broker_url)
queue.conf.update(
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    worker_send_task_events=False,
    # Without a broker in the network there is nobody to control it from.
    worker_enable_remote_control=not CONFIG.broker_url.startswith("filesystem:"),
    broker_connection_retry_on_startup=True,
)
if CONFIG.broker_url.startswith("filesystem:"):
    TRANSPORT_ALIASES["filesystem"] = "otel_flow.demo.shop.broker:Transport"
    for name in ("messages", "control"):
        (CONFIG.broker_folder / name).mkdir(parents=True, exist_ok=True)
    queue.conf.broker_transport_options = {
        "data_folder_in": str(CONFIG.broker_folder / "messages"),
        "data_folder_out": str(CONFIG.broker_folder / "messages"),
        "control_folder": str(CONFIG.broker_folder / "control"),
        "polling_interval": 0.05,
    }


class CardExpiredError(Exception):
    """The bank refuses the card."""


@queue.task(name="shop.fulfil_order")  # type: ignore[untyped-decorator]
def fulfil_order(order_id: int) -> None:
    """Charge the card of an order and have the receipt sent."""
    order = catalogue.order(order_id)
    if order is None:
        log.error("order.unknown", order_id=order_id)
        return
    time.sleep(random.uniform(0.01, 0.04))  # noqa: S311  the bank takes its time
    if order.card == "expired":
        catalogue.settle(order_id, "refused")
        log.warning("card.refused", order_id=order_id)
        raise CardExpiredError(order_id)
    catalogue.settle(order_id, "paid")
    log.info("order.paid", order_id=order_id)
    send_receipt.delay(order_id)


@queue.task(name="shop.send_receipt")  # type: ignore[untyped-decorator]
def send_receipt(order_id: int) -> None:
    """Send the receipt of an order."""
    time.sleep(random.uniform(0.005, 0.02))  # noqa: S311  so does the mail server
    log.info("receipt.sent", order_id=order_id)
