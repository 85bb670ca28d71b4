"""A model server of OpenAI's format: `python -m tests.bench.serve.model PORT`.

It answers whatever it is asked with the same words, one in each event: as fast as it is read, or
one every so many milliseconds when what it is asked says so ("pace 10 ms").
"""

import asyncio
import json
import re
import sys
from typing import Any

import uvloop

WORDS = [f"word{number:03} " for number in range(200)]


def event(delta: dict[str, Any], **rest: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
    about = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "bench"}
    return framed(json.dumps({**about, "choices": [choice], **rest}))


def framed(data: str) -> bytes:
    body = f"data: {data}\n\n".encode()
    return b"%x\r\n%b\r\n" % (len(body), body)


HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    + event({"role": "assistant", "content": ""})
)
CHUNKS = [event({"content": word}) for word in WORDS]
END = (
    event({}, choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}])
    + event(
        {}, choices=[], usage={"prompt_tokens": 9, "completion_tokens": 200, "total_tokens": 209}
    )
    + framed("[DONE]")
    + b"0\r\n\r\n"
)


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every request of one connection, until the client leaves."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head.lower())
            asked = await reader.readexactly(int(length[1]) if length else 0)
            pace = re.search(rb"pace (\d+) ms", asked)
            await speak(writer, int(pace[1]) / 1000 if pace else 0)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def speak(writer: asyncio.StreamWriter, pace_s: float) -> None:
    loop = asyncio.get_running_loop()
    due = loop.time()
    writer.write(HEAD)
    for chunk in CHUNKS:
        writer.write(chunk)
        await writer.drain()
        due += pace_s
        if (wait_s := due - loop.time()) > 0:
            await asyncio.sleep(wait_s)
    writer.write(END)
    await writer.drain()


async def main(port: int) -> None:
    async with await asyncio.start_server(answer, "127.0.0.1", port, backlog=1024) as server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
