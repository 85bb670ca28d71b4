"""A small client of this service's own API, for the terminal."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import httpx2
from pydantic_core import from_json

from ..auth.caller import is_loopback
from ..core.errors import AppError, Unavailable

_CONNECT_TIMEOUT_S = 5.0
_SILENCE_LIMIT_S = 120.0


class ReceivedEvent(NamedTuple):
    """An event as it came over the wire."""

    event: str
    data: Any


def parse_events(lines: Iterable[str]) -> Iterator[ReceivedEvent]:
    """Read server-sent events from the lines of a stream; comments are passed over."""
    event, data = "message", ""
    for line in lines:
        name, _, value = line.partition(":")
        if name == "event":
            event = value.removeprefix(" ")
        elif name == "data":
            data += value.removeprefix(" ") + "\n"
        elif not line:
            if data:
                yield ReceivedEvent(event, from_json(data))
            event, data = "message", ""


class Client:
    """Talks to a served project. Raises `AppError` with what it answered, or that it doesn't."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._http = httpx2.Client(
            base_url=f"{self.url}/api/v1",
            timeout=httpx2.Timeout(_SILENCE_LIMIT_S, connect=_CONNECT_TIMEOUT_S),
            # A proxy of the environment is no way to this very machine.
            trust_env=not is_loopback(httpx2.URL(url).host),
        )

    def agents(self) -> list[str]:
        """Return the names of the agents that there are."""
        with self._send("GET", "/agents") as response:
            return [agent["name"] for agent in from_json(response.read())]

    def ask(self, agent: str, message: str, session_id: str | None) -> Iterator[ReceivedEvent]:
        """Ask an agent and yield the events of its answer as they come."""
        body = {"message": message, "session_id": session_id, "stream": True}
        with self._send("POST", f"/agents/{agent}/run", body) as response:
            yield from parse_events(response.iter_lines())

    def stop(self, agent: str, session_id: str) -> None:
        """Stop the answer that is being given in a session."""
        with self._send("POST", f"/agents/{agent}/stop", {"session_id": session_id}):
            pass

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    @contextmanager
    def _send(self, method: str, path: str, body: Any = None) -> Iterator[httpx2.Response]:
        try:
            with self._http.stream(method, path, json=body) as response:
                if response.is_error:
                    raise AppError(_detail(response))
                yield response
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise Unavailable(f"nothing answers at {self.url}: is the service running?") from error
        except httpx2.TransportError as error:
            raise Unavailable(f"{self.url}: {type(error).__name__}: the answer was cut") from error


def _detail(response: httpx2.Response) -> str:
    try:
        return str(from_json(response.read())["detail"])
    except (ValueError, KeyError, TypeError):
        return f"{response.url} answers with {response.status_code}: is it this service?"
