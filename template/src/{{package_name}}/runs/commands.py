"""`chat`: a conversation with an agent of the served project, in the terminal."""

import sys
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from .client import Client, ReceivedEvent

app = typer.Typer()


@app.command()
def chat(
    message: Annotated[str, typer.Argument(help="Ask this, print the answer and leave.")] = "",
    agent: Annotated[str, typer.Option(help="Its name; by default the first there is.")] = "",
    url: Annotated[str, typer.Option(help="Where the service is; by default as .env says.")] = "",
    session: Annotated[str, typer.Option(help="The id of a conversation to go on with.")] = "",
) -> None:
    """Talk to an agent of the running service. Ctrl-C stops an answer, Ctrl-D leaves."""
    from .. import NAME
    from ..core.errors import AppError, Unavailable
    from .client import Client

    try:
        with closing(Client(url or _own_url())) as client:
            conversation = Conversation(client, agent or _first_agent(client), session)
            if message:
                sys.exit(0 if conversation.ask(message) == "completed" else 1)
            conversation.talk()
    except AppError as error:
        _note(error.message)
        if isinstance(error, Unavailable):
            _note(f"Start it with: {NAME} serve")
        raise typer.Exit(1) from None


class Conversation:
    """A conversation in the terminal: answers on stdout, everything else on stderr."""

    def __init__(self, client: "Client", agent: str, session_id: str) -> None:
        self._client = client
        self._agent = agent
        self._session_id = session_id
        self._labelled = False

    def talk(self) -> None:
        """Ask what is typed, until the end of the input."""
        _note(f"You talk to {self._agent}. Ctrl-C stops an answer, Ctrl-D leaves.")
        while True:
            try:
                message = input("> ").strip()
            except (EOFError, KeyboardInterrupt):
                print()
                return
            if message:
                self.ask(message)

    def ask(self, message: str) -> str:
        """Print the answer as it comes and return how it ended; Ctrl-C stops it."""
        end = "cut"
        try:
            for event in self._client.ask(self._agent, message, self._session_id or None):
                self._show(event)
                end = event.data["status"] if event.event == "done" else event.event
        except KeyboardInterrupt:
            self._client.stop(self._agent, self._session_id)
            end = "stopped"
        print()
        if end != "completed":
            _note(f"({end})")
        return end

    def _show(self, event: "ReceivedEvent") -> None:
        data: dict[str, Any] = event.data
        match event.event:
            case "meta":
                self._session_id = data["session_id"]
                if data["demo"] and not self._labelled:
                    _note("(the offline demo model answers: set DEFAULT_MODEL in .env)")
                self._labelled = True
            case "delta":
                print(data["text"], end="", flush=True)
            case "tool_end":
                _note(f"[{data['tool_name']}: {data['outcome']}]")
            case "done" if data["output"] is not None:
                print(data["output"], end="")
            case "error":
                _note(data["detail"])


def _own_url() -> str:
    """Return where this project's own settings serve it."""
    from ..core.settings import get_settings

    settings = get_settings()
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.server_host, settings.server_host)  # noqa: S104
    return f"http://{host}:{settings.server_port}"


def _first_agent(client: "Client") -> str:
    from ..core.errors import NotFound

    for name in client.agents():
        return name
    raise NotFound("this service has no agent yet: make a folder for one in agents/")


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
