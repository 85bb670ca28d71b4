"""So many streams at once, each asked again when it has ended: how quick, and is it all there?"""

import asyncio
import re
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import uvloop

from tests.bench.serve.model import WORDS

_WORDS = [word.encode() for word in WORDS]
_FIRST = _WORDS[0]
_END = b"\r\n0\r\n\r\n"


@dataclass(frozen=True)
class Load:
    """`streams` at once, `runs` in all, the model at full speed or one chunk per `pace_ms`."""

    streams: int
    runs: int
    pace_ms: int = 0

    def __str__(self) -> str:
        speed = f"a chunk per {self.pace_ms} ms" if self.pace_ms else "full speed"
        return f"{self.streams}, {speed}"


@dataclass
class Answers:
    """How long the answers of one load took."""

    elapsed_s: float = 0.0
    failed: int = 0
    first_text_s: list[float] = field(default_factory=list)

    def first_text_ms(self, quantile: int) -> float:
        """That many of a hundred runs had their first text by then."""
        return 1000 * statistics.quantiles(self.first_text_s, n=100)[quantile - 1]


def put(load: Load, port: int, path: str) -> Answers:
    """Put a load on the server at `port`; an answer that is not what the model said has failed."""
    return uvloop.run(_put(load, port, path))


async def _put(load: Load, port: int, path: str) -> Answers:
    answers, left = Answers(), iter(range(load.runs))
    began = time.perf_counter()
    async with asyncio.timeout(300), asyncio.TaskGroup() as clients:
        for _ in range(load.streams):
            clients.create_task(_ask_again_and_again(load, port, path, left, answers))
    answers.elapsed_s = time.perf_counter() - began
    return answers


async def _ask_again_and_again(
    load: Load, port: int, path: str, left: Iterator[int], answers: Answers
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = f'{{"message": "Count, pace {load.pace_ms} ms", "stream": true}}'
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    for _ in left:
        began, answer, first_s = time.perf_counter(), bytearray(), 0.0
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        while not answer.endswith(_END):
            data = await reader.read(65536)
            answer += data
            if not data or not answer.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(f"{path} answers {answer.decode()}")
            if not first_s and _FIRST in answer:
                first_s = time.perf_counter() - began
        if re.findall(rb"word\d{3} ", answer) == _WORDS and b"event: error" not in answer:
            answers.first_text_s.append(first_s)
        else:
            answers.failed += 1
    writer.close()
