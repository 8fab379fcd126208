"""
The example shop: a FastAPI service and a Celery worker, as a team would write them.

::

    uvicorn otel_flow.demo.shop.web:app
    celery -A otel_flow.demo.shop.worker worker

It needs nothing but Python: the database is a SQLite file, the broker a folder. A
Redis named by ``SHOP_REDIS_URL`` becomes its cache.
"""
