"""A small client of this service's own API, for the terminal."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
from pydantic_core import from_json

from .. import NAME
from ..auth.caller import is_loopback
from ..core.errors import AppError, NotFound, Unavailable

_TIMEOUT = httpx2.Timeout(120, connect=5)  # of silence; the stream's heartbeat breaks it


class Client:
    """Talks to a served project. Raises `AppError` with what it answered, or that it doesn't."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self.url = url.rstrip("/")
        headers = {"Authorization": f"Bearer {token}"} if token else None
        # A proxy of the environment is no way to this very machine.
        proxied = not is_loopback(httpx2.URL(url).host)
        base_url = f"{self.url}/api/v1"
        self._http = httpx2.Client(
            base_url=base_url, headers=headers, timeout=_TIMEOUT, trust_env=proxied
        )
        self.close = self._http.close

    def first_agent(self) -> str:
        """The name of the first agent that there is; raises `NotFound` when there is none."""
        with self._send("GET", "/agents") as response:
            for agent in from_json(response.read()):
                return str(agent["name"])
        raise NotFound("this service has no agent yet: make a folder for one in agents/")

    def ask(self, agent: str, message: str, session_id: str | None) -> Iterator[tuple[str, Any]]:
        """Ask an agent and yield the events of its answer as they come, each with its data."""
        body = {"message": message, "session_id": session_id, "stream": True}
        with self._send("POST", f"/agents/{agent}/run", body) as response:
            for event in httpx2.EventSource(response):
                yield event.event, event.json()

    def stop(self, agent: str, session_id: str) -> None:
        """Stop the answer that is being given in a session."""
        with self._send("POST", f"/agents/{agent}/stop", {"session_id": session_id}):
            pass

    @contextmanager
    def _send(self, method: str, path: str, body: Any = None) -> Iterator[httpx2.Response]:
        try:
            with self._http.stream(method, path, json=body) as response:
                if response.is_error:
                    raise AppError(_detail(response))
                yield response
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise Unavailable(f"nothing answers at {self.url}: run `{NAME} serve`") from error
        except httpx2.TransportError as error:
            raise Unavailable(f"{self.url}: {type(error).__name__}: the answer was cut") from error


def _detail(response: httpx2.Response) -> str:
    try:
        return str(from_json(response.read())["detail"])
    except (ValueError, KeyError, TypeError):
        return f"{response.url} answers with {response.status_code}: is it this service?"
