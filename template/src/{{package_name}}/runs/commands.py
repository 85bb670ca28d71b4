"""`chat`: a conversation with an agent of the served project, in the terminal."""

import sys
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from .client import Client

app = typer.Typer()


@app.command()
def chat(
    message: Annotated[str, typer.Argument(help="Ask this, print the answer and leave.")] = "",
    agent: Annotated[str, typer.Option(help="Its name; by default the first there is.")] = "",
    url: Annotated[str, typer.Option(help="Where the service is; by default as .env says.")] = "",
    session: Annotated[str, typer.Option(help="The id of a conversation to go on with.")] = "",
) -> None:
    """Talk to an agent of the running service. Ctrl-C stops an answer, Ctrl-D leaves.

    It calls with API_TOKEN, if there is one.
    """
    from ..core.settings import get_settings
    from .client import Client

    settings = get_settings()
    token = settings.api_token.get_secret_value() if settings.api_token else None
    with closing(Client(url or settings.local_url(), token)) as client:
        conversation = Conversation(client, agent or client.first_agent(), session)
        if message:
            raise typer.Exit(0 if conversation.ask(message) == "completed" else 1)
        _note(f"You talk to {conversation.agent}. Ctrl-C stops an answer, Ctrl-D leaves.")
        with suppress(EOFError, KeyboardInterrupt):
            while True:
                if message := input("> ").strip():
                    conversation.ask(message)
        print()


class Conversation:
    """A conversation in the terminal: answers on stdout, everything else on stderr."""

    def __init__(self, client: "Client", agent: str, session_id: str) -> None:
        self.agent = agent
        self._client = client
        self._session_id = session_id
        self._labelled = False

    def ask(self, message: str) -> str:
        """Print the answer as it comes and return how it ended; Ctrl-C stops it."""
        end = "cut"
        try:
            for event, data in self._client.ask(self.agent, message, self._session_id or None):
                self._show(event, data)
                end = data["status"] if event == "done" else event
        except KeyboardInterrupt:
            self._client.stop(self.agent, self._session_id)
            end = "stopped"
        print()
        if end != "completed":
            _note(f"({end})")
        return end

    def _show(self, event: str, data: dict[str, Any]) -> None:
        match event:
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


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
