"""The floor: raw ASGI that passes on what the model server says, byte for byte."""

import os
from typing import Any

import httpx2

client = httpx2.AsyncClient(
    base_url=os.environ["MODEL_URL"], timeout=60, limits=httpx2.Limits(max_connections=1000)
)


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    asked = (await receive())["body"]
    async with client.stream("POST", "/chat/completions", content=asked) as response:
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        async for data in response.aiter_raw():
            await send({"type": "http.response.body", "body": data, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
