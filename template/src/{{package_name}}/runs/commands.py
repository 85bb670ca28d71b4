"""`chat`: a conversation with an agent of the served project, in the terminal."""

import sys
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from .client import Client, ReceivedEvent

app = typer.Typer()

_STOP_WAIT_S = 5.0


@app.command()
def chat(
    message: Annotated[str, typer.Argument(help="Ask this, print the answer and leave.")] = "",
    agent: Annotated[str, typer.Option(help="Its name; by default the first there is.")] = "",
    url: Annotated[str, typer.Option(help="Where the service is; by default as .env says.")] = "",
    session: Annotated[str, typer.Option(help="The id of a conversation to go on with.")] = "",
) -> None:
    """Talk to an agent of the running service. Ctrl-C stops an answer; Ctrl-D leaves."""
    from .. import NAME
    from ..core.errors import AppError, Unavailable
    from .client import Client

    try:
        with Client(url or _own_url()) as client:
            conversation = Conversation(client, agent or _default_agent(client), session or None)
            if message:
                sys.exit(0 if conversation.ask(message) else 1)
            conversation.talk()
    except Unavailable as error:
        print(f"{error.message} Start it with: {NAME} serve", file=sys.stderr)
        raise typer.Exit(1) from None
    except AppError as error:
        print(error.message, file=sys.stderr)
        raise typer.Exit(1) from None


class Conversation:
    """A conversation in the terminal: the answer on stdout, everything else on stderr."""

    def __init__(self, client: "Client", agent: str, session_id: str | None) -> None:
        self._client = client
        self._agent = agent
        self._session_id = session_id
        self._run_id = ""
        self._announced = False

    def talk(self) -> None:
        """Ask what is typed, until the end of the input."""
        from ..core.errors import AppError

        _note(
            f"Talking to {self._agent} at {self._client.url}. "
            "Ctrl-C stops an answer, Ctrl-D leaves."
        )
        while True:
            try:
                message = input("> ").strip()
            except (EOFError, KeyboardInterrupt):
                print()
                return
            if not message:
                continue
            try:
                self.ask(message)
            except AppError as error:
                _note(error.message)

    def ask(self, message: str) -> bool:
        """Print the answer as it comes and say whether it is complete; Ctrl-C stops it."""
        events = self._client.ask(self._agent, message, self._session_id)
        last = ""
        try:
            for event in events:
                self._show(event)
                last = event.event if event.event != "done" else event.data["status"]
        except KeyboardInterrupt:
            self._stop()
            return False
        if last not in {"completed", "interrupted", "paused", "error"}:
            _note("The stream was cut before the answer ended.")
        return last == "completed"

    def _show(self, event: "ReceivedEvent") -> None:
        data: dict[str, Any] = event.data
        match event.event:
            case "meta":
                self._session_id, self._run_id = data["session_id"], data["run_id"]
                if data["demo"] and not self._announced:
                    _note(
                        "(the offline demo model answers: set DEFAULT_MODEL in .env for a real one)"
                    )
                self._announced = True
            case "delta":
                print(data["text"], end="", flush=True)
            case "tool_start":
                _note(f"[{data['tool_name']} …]")
            case "tool_end":
                _note(f"[{data['tool_name']}: {data['outcome']}]")
            case "done":
                print()
                if data["output"] is not None:
                    print(data["output"])
                if data["status"] == "interrupted":
                    _note(f"(interrupted: {data['reason']})")
            case "paused":
                _note("(the run waits for a decision about its tool calls)")
            case "error":
                print()
                _note(data["detail"])

    def _stop(self) -> None:
        """Stop the answer and wait for its end, so that the session is free again."""
        print()
        if not self._session_id or not self._run_id:
            return
        self._client.stop(self._agent, self._session_id)
        deadline = time.monotonic() + _STOP_WAIT_S
        while self._client.run(self._run_id)["status"] == "running" and time.monotonic() < deadline:
            time.sleep(0.05)
        _note("(stopped)")


def _own_url() -> str:
    """Return where this project's own settings serve it."""
    from ..core.settings import get_settings

    settings = get_settings()
    host = settings.server_host
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - seen from here
    return f"http://{host}:{settings.server_port}"


def _default_agent(client: "Client") -> str:
    from ..core.errors import NotFound

    agents = client.agents()
    for agent in agents:
        if agent["default"]:
            return str(agent["name"])
    raise NotFound("this service has no agent yet: make a folder for one in agents/")


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
