"""
The service that `benchmarks/per_request.py` measures, instrumented by one of its contenders.

``python -m benchmarks.service CONTENDER PORT [REDIS_PORT]`` serves ``/hello``, which does nothing,
and ``/items/{item_id}``: a read from Redis, a SQL query and two log lines.
"""

import sys

import structlog
import uvicorn

from benchmarks.contenders import CONTENDERS
from benchmarks.peers import PEERS


def build(redis_port):
    """Return the application, made after the instrumentation as under the wrappers."""
    # The name is looked up now: contrib replaces it in the module.
    import fastapi

    app = fastapi.FastAPI()

    @app.get("/hello")
    async def hello():
        return {"hello": "world"}

    if redis_port is not None:
        add_items(app, redis_port)
    return app


def add_items(app, redis_port):
    import redis.asyncio
    import sqlalchemy

    from sqlalchemy.pool import StaticPool

    client = redis.asyncio.Redis(port=redis_port)
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


def main():
    contender, port, *redis_port = sys.argv[1:]
    peer = PEERS.get(contender)
    finish = peer.set_up() if peer else CONTENDERS[contender]()
    app = build(int(redis_port[0]) if redis_port else None)
    if finish is not None:
        finish(app)
    uvicorn.run(app, port=int(port), log_level="warning", access_log=False, timeout_keep_alive=75)


if __name__ == "__main__":
    main()
