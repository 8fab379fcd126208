"""A plugin of pytest: whoever imports httpx gets httpx2, which has the same interface."""

import httpx2


httpx2.alias_httpx()
