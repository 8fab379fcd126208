"""
The service that `benchmarks/per_request.py` measures, instrumented by one of its contenders.

``python -m benchmarks.service CONTENDER PORT [REDIS_PORT]`` serves ``/hello``, which does nothing,
and ``/items/{item_id}``: a read from Redis, a SQL query and two log lines.
"""

import asyncio
import sys
import time

import structlog
import uvicorn

from benchmarks.contenders import CONTENDERS
from benchmarks.peers import PEERS


BEAT = 0.002


class Heartbeat:
    """The latest that the event loop came to a beat, in milliseconds."""

    def __init__(self):
        self._task = None
        self._worst = 0.0

    async def _beat(self):
        while True:
            due = time.perf_counter() + BEAT
            await asyncio.sleep(BEAT)
            self._worst = max(self._worst, time.perf_counter() - due)

    def turn(self):
        """Begin to beat, or end and return the worst; beats cost CPU, which others measure."""
        if self._task is None:
            self._worst = 0.0
            self._task = asyncio.create_task(self._beat())
        else:
            self._task.cancel()
            self._task = None
        return self._worst * 1e3


class WithHeartbeat:
    """Answers ``/worst-wakeup`` by itself, outside of the application and of all instrumentation."""

    def __init__(self, app):
        self._app = app
        self._heartbeat = Heartbeat()

    async def __call__(self, scope, receive, send):
        if scope.get("path") != "/worst-wakeup":
            await self._app(scope, receive, send)
            return
        body = b"%.3f" % self._heartbeat.turn()
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def build(redis_port):
    """Return the application, made after the instrumentation as under the wrappers."""
    # The name is looked up now: contrib replaces it in the module.
    import fastapi

    app = fastapi.FastAPI()

    @app.get("/hello")
    async def hello():
        return {"hello": "world"}

    if redis_port is not None:
        import redis.asyncio

        add_items(app, redis.asyncio.Redis(port=redis_port))
    return app


def add_items(app, client):
    """Add ``/items`` to *app*, which asks *client*; return the engine that it asks, too."""
    import sqlalchemy

    from sqlalchemy.pool import StaticPool

    engine = sqlalchemy.create_engine(
        "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
    )
    table = sqlalchemy.Table(
        "item",
        sqlalchemy.MetaData(),
        sqlalchemy.Column("id", sqlalchemy.Integer, primary_key=True),
        sqlalchemy.Column("name", sqlalchemy.String),
    )
    with engine.begin() as connection:
        table.create(connection)
        connection.execute(table.insert(), [{"id": n, "name": f"item {n}"} for n in range(100)])
    log = structlog.get_logger("shop")

    @app.get("/items/{item_id}")
    async def item(item_id: int):
        log.info("item.wanted", item_id=item_id)
        cached = await client.get(f"item:{item_id}")
        with engine.connect() as connection:
            query = sqlalchemy.select(table.c.name).where(table.c.id == item_id)
            name = connection.execute(query).scalar()
        log.info("item.found", item_id=item_id, cached=cached is not None)
        return {"id": item_id, "name": name}

    return engine


def main():
    contender, port, *redis_port = sys.argv[1:]
    peer = PEERS.get(contender)
    finish = peer.set_up() if peer else CONTENDERS[contender]()
    app = build(int(redis_port[0]) if redis_port else None)
    if finish is not None:
        finish(app)
    uvicorn.run(
        WithHeartbeat(app),
        port=int(port),
        log_level="warning",
        access_log=False,
        timeout_keep_alive=75,
    )


if __name__ == "__main__":
    main()
