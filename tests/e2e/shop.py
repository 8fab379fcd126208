"""The service of the end-to-end tests; EXPLICIT=1 configures it in code, else the wrapper does."""

import os

import structlog

from fastapi import FastAPI, HTTPException


log = structlog.get_logger("shop")
app = FastAPI()


@app.get("/items/{item_id}")
async def item(item_id: int):
    if item_id >= 1000:
        log.warning("item.unknown", item_id=item_id)
        raise HTTPException(404)
    log.info("item.read", item_id=item_id)
    return {"id": item_id}


@app.get("/fail")
def fail():
    log.info("about.to.fail")
    raise RuntimeError("the shelf is empty")


if os.environ.get("EXPLICIT"):
    import otel_flow

    otel_flow.configure().instrument(app)
