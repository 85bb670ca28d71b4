"""A model server on loopback that speaks a language of OpenAI or Anthropic, and plays a script.

An answer is a line of words. Most are said as they are; the others are `THINK:hm`,
`CALL:name=argument+name`, `HTTP:429/0.5` (a refusal, with Retry-After), `HOLD` (until the test
sets `go`), `HANG` (until the client leaves), `CUT` (the connection), `STOP` (without a word of
the end), `FAIL` (the provider says so) and `GARBAGE`. What is not streamed is said at once, word
for word. Each model of a server has a script of its own; when it is over, the model says `ready`.
"""

import asyncio
import json
import os
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any, ClassVar, Protocol

import pytest
from pydantic_ai.models import override_allow_model_requests


class Wire(Protocol):
    """One answer in the words of a protocol, `whole` or as a stream."""

    def whole(self, model: str, text: str) -> dict[str, Any]: ...
    def begin(self, model: str) -> str: ...
    def text(self, text: str) -> str: ...
    def think(self, text: str) -> str: ...
    def call(self, name: str, arguments: str) -> str: ...
    def fail(self) -> str: ...
    def end(self) -> str: ...


def _event(data: dict[str, Any]) -> str:
    head = f"event: {data['type']}\n" if "type" in data else ""
    return f"{head}data: {json.dumps(data)}\n\n"


class Chat:
    """OpenAI's chat completions, with the reasoning that other servers add to them."""

    model, calls = "", 0
    usage: ClassVar = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}

    def whole(self, model: str, text: str) -> dict[str, Any]:
        message = {"role": "assistant", "content": text}
        choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
        head = {"id": "c", "object": "chat.completion", "created": 1, "model": model}
        return {**head, "choices": choices, "usage": self.usage}

    def begin(self, model: str) -> str:
        self.model = model
        return self._chunk({"role": "assistant", "content": ""})

    def text(self, text: str) -> str:
        return self._chunk({"content": text})

    def think(self, text: str) -> str:
        return self._chunk({"reasoning_content": text})

    def call(self, name: str, arguments: str) -> str:
        index, self.calls = self.calls, self.calls + 1
        call = {"id": f"call-{index}", "type": "function", "function": {"name": name}}
        pieces = ({"function": {"arguments": piece}} for piece in (arguments[:3], arguments[3:]))
        parts: list[dict[str, Any]] = [call, *pieces]
        return "".join(self._chunk({"tool_calls": [{"index": index} | one]}) for one in parts)

    def fail(self) -> str:
        return _event({"error": {"type": "server_error", "message": "secret body"}})

    def end(self) -> str:
        reason = "tool_calls" if self.calls else "stop"
        last = self._chunk({}, reason) + self._event([], usage=self.usage)
        return f"{last}data: [DONE]\n\n"

    def _chunk(self, delta: dict[str, Any], reason: str | None = None) -> str:
        return self._event([{"index": 0, "delta": delta, "finish_reason": reason}])

    def _event(self, choices: list[dict[str, Any]], **more: Any) -> str:
        head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": self.model}
        return _event({**head, "choices": choices, **more})


class Responses:
    """OpenAI's responses."""

    model, said, items = "", "", 0

    def whole(self, model: str, text: str) -> dict[str, Any]:
        self.model, self.said = model, text
        return self._response("completed")

    def begin(self, model: str) -> str:
        self.model = model
        return self._event("created", response=self._response("in_progress"))

    def text(self, text: str) -> str:
        self.said += text
        return self._delta("output_text", text, content_index=0, logprobs=[])

    def think(self, text: str) -> str:
        return self._delta("reasoning_summary_text", text, summary_index=0)

    def call(self, name: str, arguments: str) -> str:
        index, self.items = self.items, self.items + 1
        call = {"type": "function_call", "id": f"item-{index}", "call_id": f"call-{index}"}
        item = {**call, "name": name, "arguments": ""}
        added = self._event("output_item.added", output_index=index, item=item)
        pieces = (arguments[:3], arguments[3:])
        deltas = (self._delta("function_call_arguments", one, item=index) for one in pieces)
        return added + "".join(deltas)

    def fail(self) -> str:
        error = {"code": "server_error", "message": "secret body"}
        failed = {**self._response("failed"), "error": error}
        return self._event("failed", response=failed)

    def end(self) -> str:
        return self._event("completed", response=self._response("completed"))

    def _response(self, status: str) -> dict[str, Any]:
        content = [{"type": "output_text", "text": self.said, "annotations": []}]
        said = {"type": "message", "id": "said", "status": status, "role": "assistant"}
        head = {"id": "r", "object": "response", "created_at": 1, "model": self.model}
        tools = {"parallel_tool_calls": True, "tool_choice": "auto", "tools": []}
        usage = {"input_tokens": 3, "output_tokens": 5, "total_tokens": 8}
        details = {"input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0}}
        details["output_tokens_details"] = {"reasoning_tokens": 0}
        output = [{**said, "content": content}] if self.said else []
        return {**head, **tools, "status": status, "output": output, "usage": usage | details}

    def _delta(self, kind: str, delta: str, item: int | str = "said", **more: Any) -> str:
        return self._event(f"{kind}.delta", item_id=f"item-{item}", delta=delta, **more)

    def _event(self, kind: str, **data: Any) -> str:
        return _event({"type": f"response.{kind}", "sequence_number": 0, "output_index": 0, **data})


class Messages:
    """Anthropic's messages."""

    index, kind = -1, ""

    def whole(self, model: str, text: str) -> dict[str, Any]:
        content = [{"type": "text", "text": text}]
        return {**self._message(model), "content": content, "stop_reason": "end_turn"}

    def begin(self, model: str) -> str:
        return _event({"type": "message_start", "message": self._message(model)})

    def text(self, text: str) -> str:
        return self._block("text", text="") + self._delta("text_delta", text=text)

    def think(self, text: str) -> str:
        block = self._block("thinking", thinking="", signature="")
        return block + self._delta("thinking_delta", thinking=text)

    def call(self, name: str, arguments: str) -> str:
        self.kind += " is over"  # each call is a block of its own
        block = self._block("tool_use", id=f"call-{self.index + 1}", name=name, input={})
        pieces = (arguments[:3], arguments[3:])
        deltas = (self._delta("input_json_delta", partial_json=piece) for piece in pieces)
        return block + "".join(deltas)

    def fail(self) -> str:
        error = {"type": "overloaded_error", "message": "secret body"}
        return _event({"type": "error", "error": error})

    def end(self) -> str:
        reason = "tool_use" if self.kind == "tool_use" else "end_turn"
        delta, usage = {"stop_reason": reason}, {"output_tokens": 5}
        last = _event({"type": "message_delta", "delta": delta, "usage": usage})
        return self._close() + last + _event({"type": "message_stop"})

    def _message(self, model: str) -> dict[str, Any]:
        head = {"id": "m", "type": "message", "role": "assistant", "model": model}
        usage = {"input_tokens": 3, "output_tokens": 1}
        return {**head, "content": [], "stop_reason": None, "usage": usage}

    def _block(self, kind: str, **content: Any) -> str:
        if kind == self.kind:
            return ""
        closing = self._close()
        self.kind, self.index = kind, self.index + 1
        block = {"type": kind, **content}
        start = {"type": "content_block_start", "index": self.index, "content_block": block}
        return closing + _event(start)

    def _delta(self, kind: str, **content: str) -> str:
        delta = {"type": kind, **content}
        return _event({"type": "content_block_delta", "index": self.index, "delta": delta})

    def _close(self) -> str:
        end = {"type": "content_block_stop", "index": self.index}
        return _event(end) if self.kind else ""


class ModelServer:
    """Answers whoever asks; `asked` are the bodies of the requests, in order."""

    def __init__(self, provider: str, wire: type[Wire]) -> None:
        self.provider, self.wire = provider, wire
        self.url = ""
        self.go = asyncio.Event()
        self.asked: list[dict[str, Any]] = []
        self.asked_at_s: list[float] = []
        self.listed: dict[str, list[dict[str, Any]]] = {}
        self.busy = self.most_busy = 0
        self._scripts: defaultdict[str, deque[str]] = defaultdict(deque)
        self._writers: list[asyncio.StreamWriter] = []

    def ids(self, *names: str) -> str:
        """The ids of models of this server, as a setting has them."""
        return ",".join(f"{self.provider}:{name}" for name in names)

    def says(self, name: str, *answers: str) -> str:
        """Add answers to the script of a model; returns its id."""
        self._scripts[name] += answers
        return self.ids(name)

    async def asked_times(self, number: int) -> None:
        """Return when so many requests have come."""
        async with asyncio.timeout(10):
            while len(self.asked) < number:  # noqa: ASYNC110 - short, and only in tests
                await asyncio.sleep(0.001)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                _, _, length = head.partition("content-length: ")
                body = await reader.readexactly(int(length.split()[0])) if length else b""
                await self._answer(head.split()[1], body, reader, writer)
        writer.close()

    async def close(self) -> None:
        for writer in self._writers:
            writer.close()

    async def _answer(
        self, path: str, body: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if not body:
            known = path in self.listed
            await _send(writer, 200 if known else 404, {"data": self.listed[path]} if known else {})
            return
        self.asked.append(json.loads(body))
        self.asked_at_s.append(asyncio.get_running_loop().time())
        self.busy += 1
        self.most_busy = max(self.busy, self.most_busy)
        try:
            script = self._scripts[self.asked[-1]["model"]]
            words = (script.popleft() if script else "ready").split()
            await self._play(words, reader, writer)
        finally:
            self.busy -= 1

    async def _play(
        self, words: list[str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        model = self.asked[-1]["model"]
        if words[0].startswith("HTTP:"):
            await _refuse(writer, words)
        elif self.asked[-1].get("stream"):
            await self._stream(model, words, reader, writer)
        else:
            await _send(writer, 200, self.wire().whole(model, " ".join(words)))

    async def _stream(
        self,
        model: str,
        words: list[str],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        head = _HEAD.format(200, "text/event-stream", "Transfer-Encoding: chunked")
        writer.write(head.encode())
        wire = self.wire()
        await _chunk(writer, wire.begin(model))
        for word in words:
            kind, _, rest = word.partition(":")
            match kind:
                case "HOLD":
                    await self.go.wait()
                case "HANG":
                    await reader.read()
                    raise ConnectionError
                case "CUT":
                    raise ConnectionError
                case "STOP":
                    await _chunk(writer, "")
                    return
                case "FAIL":
                    await _chunk(writer, wire.fail())
                case "GARBAGE":
                    await _chunk(writer, "event: content_block_delta\ndata: {nonsense\n\n")
                case "THINK":
                    await _chunk(writer, wire.think(rest))
                case "CALL":
                    for name, _, argument in (one.partition("=") for one in rest.split("+")):
                        arguments = json.dumps({"city": argument} if argument else {})
                        await _chunk(writer, wire.call(name, arguments))
                case _:
                    await _chunk(writer, wire.text(f"{word} "))
        await _chunk(writer, wire.end())
        await _chunk(writer, "")


_HEAD = "HTTP/1.1 {} X\r\nContent-Type: {}\r\n{}\r\n\r\n"


async def _refuse(writer: asyncio.StreamWriter, words: list[str]) -> None:
    status, _, wait = words[0].removeprefix("HTTP:").partition("/")
    message = " ".join(words[1:]) or "secret body"
    error = {"type": "error", "error": {"type": "an_error", "message": message}}
    await _send(writer, int(status), error, f"Retry-After: {wait}\r\n" if wait else "")


async def _send(
    writer: asyncio.StreamWriter, status: int, body: dict[str, Any], headers: str = ""
) -> None:
    data = json.dumps(body)
    length = f"{headers}Content-Length: {len(data)}"
    writer.write((_HEAD.format(status, "application/json", length) + data).encode())
    await writer.drain()


async def _chunk(writer: asyncio.StreamWriter, text: str) -> None:
    """Send a chunk of an answer of unknown length; an empty one ends it."""
    writer.write(f"{len(text.encode()):x}\r\n{text}\r\n".encode())
    await writer.drain()


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What providers are told by variables ends with the test; they may ask the servers here."""
    monkeypatch.setattr(os, "environ", dict(os.environ))
    for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GROQ_API_KEY", "ALIBABA_API_KEY"):
        os.environ.pop(name, None)
    with override_allow_model_requests(True):
        yield


@pytest.fixture
async def openai_server() -> AsyncIterator[ModelServer]:
    """A server in the language that most servers speak, whose models are `vllm:NAME`."""
    pytest.importorskip("openai")
    async with _served("vllm", Chat) as server:
        os.environ["VLLM_BASE_URL"] = f"{server.url}/v1"
        yield server


@pytest.fixture
async def anthropic_server() -> AsyncIterator[ModelServer]:
    """A server in Anthropic's language, whose models are `anthropic:NAME`."""
    pytest.importorskip("anthropic")
    async with _served("anthropic", Messages) as server:
        os.environ |= {"ANTHROPIC_BASE_URL": server.url, "ANTHROPIC_API_KEY": "key"}
        yield server


@pytest.fixture
async def responses_server() -> AsyncIterator[ModelServer]:
    """A server in OpenAI's newer language, whose models are `openai:NAME`."""
    pytest.importorskip("openai")
    async with _served("openai", Responses) as server:
        os.environ |= {"OPENAI_BASE_URL": f"{server.url}/v1", "OPENAI_API_KEY": "key"}
        yield server


@pytest.fixture(params=["openai_server", "responses_server", "anthropic_server"])
def server(request: pytest.FixtureRequest) -> ModelServer:
    """Each server in turn."""
    server: ModelServer = request.getfixturevalue(request.param)
    return server


@asynccontextmanager
async def _served(provider: str, wire: type[Wire]) -> AsyncIterator[ModelServer]:
    server = ModelServer(provider, wire)
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listener:
        host, port = listener.sockets[0].getsockname()
        server.url = f"http://{host}:{port}"
        yield server
        await server.close()
