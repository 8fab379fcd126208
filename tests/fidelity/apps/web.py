"""An ASGI and a WSGI application that do units of work."""

import asyncio
import multiprocessing

from fastapi import FastAPI
from unit import CHILD, configured, unit


app = FastAPI()
configured(app)


@app.get("/unit/{number}")
async def work(number: int) -> dict[str, int]:
    unit(number)
    return {"unit": number}


@app.get("/slow/{number}")
async def slow(number: int) -> dict[str, int]:
    """Work now, and answer later than a server that is told to end may wait."""
    unit(number)
    await asyncio.sleep(60)
    return {"unit": number}


@app.get("/fork/{number}")
def fork(number: int) -> dict[str, int]:
    """Work here and in a forked child, from a thread of a threaded process."""
    unit(number)
    child = multiprocessing.get_context("fork").Process(target=unit, args=(CHILD + number,))
    child.start()
    child.join()
    return {"unit": number}


def wsgi(environ, start_response):
    (fork if environ["PATH_INFO"].startswith("/fork") else _plain)(_number(environ))
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


def _plain(number):
    unit(number)


def _number(environ):
    return int(environ["PATH_INFO"].rpartition("/")[2])
