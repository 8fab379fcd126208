"""The web service of the shop."""

from __future__ import annotations

from typing import Any

import structlog

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

import otel_flow

from otel_flow.demo.shop import cache, catalogue
from otel_flow.demo.shop.tasks import fulfil_order, queue


telemetry = otel_flow.configure()
log = structlog.get_logger("shop")
app = FastAPI(title="Shop")
catalogue.prepare()
telemetry.instrument(app, catalogue.engine, *cache.clients, queue)


class NewOrder(BaseModel):
    """What a customer orders."""

    product_id: int
    quantity: int = Field(ge=1, le=20)
    card: str = "valid"


@app.get("/healthz")
def health() -> dict[str, str]:
    """Tell that the service answers."""
    return {"status": "ok"}


@app.get("/products")
def list_products() -> list[dict[str, Any]]:
    """Return the catalogue."""
    return [_shown(product) for product in catalogue.products()]


@app.get("/products/{product_id}")
def show_product(product_id: int) -> dict[str, Any]:
    """Return a product, from the cache if it is there."""
    key = f"product:{product_id}"
    if cached := cache.get(key):
        return dict(cached)
    shown = _shown(_product(product_id))
    cache.put(key, shown)
    return shown


@app.get("/products/{product_id}/discount")
def show_discount(product_id: int) -> dict[str, int]:
    """Return how much cheaper a product is than its list price, in percent."""
    product = _product(product_id)
    return {"percent": 100 - 100 * product.price // product.list_price}


@app.get("/products/{product_id}/related")
def show_related(product_id: int) -> list[str]:
    """Return what others bought with a product."""
    return catalogue.bought_with(product_id)


@app.get("/search")
def search(q: str) -> list[str]:
    """Return the products whose names match."""
    found = catalogue.search(q)
    log.info("search.done", words=q, found=len(found))
    return found


@app.post("/orders", status_code=202)
def place_order(order: NewOrder) -> dict[str, int]:
    """Take an order; the worker does the rest."""
    order_id = catalogue.place(order.product_id, order.quantity, order.card)
    if order_id is None:
        raise HTTPException(404, "no such product")
    log.info("order.placed", order_id=order_id, quantity=order.quantity)
    fulfil_order.delay(order_id)
    return {"order_id": order_id}


@app.get("/orders/{order_id}")
def show_order(order_id: int) -> dict[str, Any]:
    """Return what became of an order."""
    order = catalogue.order(order_id)
    if order is None:
        raise HTTPException(404, "no such order")
    return {"order_id": order.id, "status": order.status}


def _product(product_id: int) -> catalogue.Product:
    product = catalogue.product(product_id)
    if product is None:
        log.warning("product.unknown", product_id=product_id)
        raise HTTPException(404, "no such product")
    return product


def _shown(product: catalogue.Product) -> dict[str, Any]:
    return {"id": product.id, "name": product.name, "price": product.price}
