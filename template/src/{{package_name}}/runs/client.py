"""A small client of this service's own API, for the terminal."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Self

import httpx2
from pydantic_core import from_json

from ..core.errors import AppError, Unavailable

_CONNECT_TIMEOUT_S = 5.0
_SILENCE_LIMIT_S = 120.0


@dataclass(frozen=True)
class ReceivedEvent:
    """An event as it came over the wire."""

    event: str
    data: Any
    id: str = ""


def parse_events(lines: Iterable[str]) -> Iterator[ReceivedEvent]:
    """Read server-sent events from the lines of a stream; comments are passed over."""
    fields: dict[str, str] = {}
    for line in lines:
        if not line:
            if "data" in fields:
                yield ReceivedEvent(
                    fields.get("event", "message"), from_json(fields["data"]), fields.get("id", "")
                )
            fields = {}
            continue
        name, _, value = line.partition(":")
        if name:
            value = value.removeprefix(" ")
            fields[name] = (
                f"{fields[name]}\n{value}" if name == "data" and name in fields else value
            )


class Client:
    """Talks to a served project; a context manager. Raises `AppError` with what was answered."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        timeout = httpx2.Timeout(_SILENCE_LIMIT_S, connect=_CONNECT_TIMEOUT_S)
        # A proxy of the environment is no way to this very machine.
        self._http = httpx2.Client(
            base_url=f"{self.url}/api/v1", timeout=timeout, trust_env=not _is_local(self.url)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._http.close()

    def agents(self) -> list[dict[str, Any]]:
        """Return the agents that there are."""
        agents: list[dict[str, Any]] = self._get("/agents")
        return agents

    def run(self, run_id: str) -> dict[str, Any]:
        """Return how a run stands."""
        run: dict[str, Any] = self._get(f"/runs/{run_id}")
        return run

    def ask(self, agent: str, message: str, session_id: str | None) -> Iterator[ReceivedEvent]:
        """Ask an agent and yield the events of its answer as they come."""
        body = {"message": message, "session_id": session_id, "stream": True}
        try:
            with self._http.stream("POST", f"/agents/{agent}/run", json=body) as response:
                if response.is_error:
                    response.read()
                    raise _refusal(response)
                yield from parse_events(response.iter_lines())
        except httpx2.TransportError as error:
            raise self._unreachable(error) from error

    def stop(self, agent: str, session_id: str) -> None:
        """Stop the answer that is being given in a session."""
        response = self._http.post(f"/agents/{agent}/stop", json={"session_id": session_id})
        if response.is_error:
            raise _refusal(response)

    def _get(self, path: str) -> Any:
        try:
            response = self._http.get(path)
        except httpx2.TransportError as error:
            raise self._unreachable(error) from error
        if response.is_error:
            raise _refusal(response)
        return response.json()

    def _unreachable(self, error: Exception) -> AppError:
        if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
            return Unavailable(f"nothing answers at {self.url}: is the service running there?")
        return Unavailable(f"the connection to {self.url} broke: {type(error).__name__}")


def _refusal(response: httpx2.Response) -> AppError:
    try:
        detail = response.json()["detail"]
    except (ValueError, KeyError, TypeError):
        detail = f"HTTP status {response.status_code}: is this the right URL?"
    return AppError(str(detail))


def _is_local(url: str) -> bool:
    host = httpx2.URL(url).host
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
