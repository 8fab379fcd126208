"""The rows of `benchmarks/libraries.py`: what makes a client, what is called, and who instruments it."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Library:
    """One library's row: Python source, and how many calls make a round."""

    client: str
    call: str
    contrib: str
    ours: str
    calls: int = 5_000
    needs: str = ""


def _instrumented(module: str, instrumentor: str) -> dict[str, str]:
    """Return the lines that name contrib's instrumentor of *module*, and ours."""
    return {
        "contrib": f"from opentelemetry.instrumentation.{module} import {instrumentor} as Contrib",
        "ours": f"from otel_flow.instrumentation import {module} as ours",
    }


_SQL = _instrumented("sqlalchemy", "SQLAlchemyInstrumentor")
_REDIS = _instrumented("redis", "RedisInstrumentor") | {"needs": "redis-server"}

_ENGINE = """
import sqlalchemy as sa
from sqlalchemy.pool import StaticPool
engine = sa.create_engine("sqlite://", poolclass=StaticPool)
items = sa.Table("items", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True),
                 sa.Column("name", sa.String))
items.create(engine)
"""

_CLIENT = """
import redis
from benchmarks.canned import Canned
"""

LIBRARIES = {
    "sqlalchemy": Library(
        client=_ENGINE
        + """
connection = engine.connect()
statement = sa.select(items).where(items.c.id == sa.bindparam("id"))
""",
        call='connection.execute(statement, {"id": 7}).all()',
        **_SQL,
    ),
    "sqlalchemy, with its connection": Library(
        client=_ENGINE
        + """
statement = sa.select(items).where(items.c.id == sa.bindparam("id"))
def query():
    with engine.connect() as connection:
        connection.execute(statement, {"id": 7}).all()
""",
        call="query()",
        **_SQL,
    ),
    "redis": Library(
        client=_CLIENT + "client = redis.Redis(connection_pool=redis.ConnectionPool(Canned))",
        call='client.get("items:7")',
        **_REDIS,
    ),
    "redis, a pipeline of 10": Library(
        client=_CLIENT
        + """
client = redis.Redis(connection_pool=redis.ConnectionPool(Canned))
def send():
    pipeline = client.pipeline(transaction=False)
    for number in range(10):
        pipeline.get("items:7")
    pipeline.execute()
""",
        call="send()",
        **_REDIS,
    ),
    "redis, over the network": Library(
        client=_CLIENT + "client = redis.Redis(port=int(sys.argv[3]))",
        call='client.get("items:7")',
        **_REDIS,
    ),
    "fastapi": Library(
        client="""
import fastapi
app = fastapi.FastAPI()
@app.get("/hello")
async def hello(): return {"hello": "world"}
async def receive(): return {"type": "http.request", "body": b"", "more_body": False}
async def send(message): pass
def ask():
    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1",
        "method": "GET", "scheme": "http", "path": "/hello", "raw_path": b"/hello",
        "query_string": b"", "root_path": "", "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 5000), "state": {},
        "headers": [(b"host", b"127.0.0.1:8000"), (b"user-agent", b"bench/1")],
    }
    # Nothing in it waits, so that it runs to its end without a loop, which would cost more.
    try:
        app(scope, receive, send).send(None)
    except StopIteration:
        return
    raise RuntimeError("the request waits")
""",
        call="ask()",
        calls=2_000,
        **_instrumented("fastapi", "FastAPIInstrumentor"),
    ),
    "httpx": Library(
        client="""
import httpcore, httpx
class Pool:
    "Answers without a server."
    def handle_request(self, request): return httpcore.Response(200, content=b"reply")
transport = httpx.HTTPTransport()
transport._pool = Pool()
client = httpx.Client(transport=transport)
""",
        call='client.get("http://shop.example/items/7")',
        calls=2_000,
        **_instrumented("httpx", "HTTPXClientInstrumentor"),
    ),
    "requests": Library(
        client="""
import io, requests, urllib3
class Connection:
    "Answers without a server."
    def urlopen(self, **request):
        return urllib3.HTTPResponse(io.BytesIO(b"reply"), status=200, preload_content=False)
class Canned(requests.adapters.HTTPAdapter):
    def get_connection_with_tls_context(self, *arguments, **options): return Connection()
session = requests.Session()
session.mount("http://", Canned())
""",
        call='session.get("http://shop.example/items/7")',
        calls=2_000,
        **_instrumented("requests", "RequestsInstrumentor"),
    ),
    "celery, published and run": Library(
        client="""
import celery, logging
from celery.contrib.testing.worker import start_worker
app = celery.Celery("bench", broker="memory://")
app.conf.update(task_ignore_result=True, worker_hijack_root_logger=False)
ran = []
@app.task(name="bench.work")
def work(number): ran.append(number)
wanted = 0
def publish():
    global wanted
    work.delay(7)
    wanted += 1
logging.disable(logging.INFO)
worker = start_worker(app, pool="solo", perform_ping_check=False, loglevel="error")
worker.__enter__()
deliver = flush
def flush():
    while len(ran) < wanted:
        time.sleep(0.005)
    deliver()
""",
        call="publish()",
        calls=500,
        **_instrumented("celery", "CeleryInstrumentor"),
    ),
}
