"""`agents list` and `agents show`: the agents of this project, without a server."""

import json
import sys
from typing import Annotated

import typer

app = typer.Typer(name="agents", help="The agents of this project.", no_args_is_help=True)


@app.command("list")
def list_agents() -> None:
    """List the agents: name, model and what each is for."""
    from ..core.settings import load_settings
    from ..llm.settings import LlmSettings
    from .registry import AgentRegistry

    default_model = load_settings(LlmSettings).default_model
    for name, definition in AgentRegistry.discover().items():
        print(f"{name:<20} {definition.model_id(default_model):<24} {definition.summary}".rstrip())


@app.command("show")
def show_agent(
    name: Annotated[str, typer.Argument(help="Its name, as `agents list` says it.")],
) -> None:
    """Show what an agent is asked with: the JSON schema of its request."""
    from ..core.errors import AppError
    from .registry import AgentRegistry

    try:
        definition = AgentRegistry.discover().find(name)
    except AppError as error:
        print(error.message, file=sys.stderr)
        raise typer.Exit(1) from None
    print(json.dumps(definition.body_model(name).model_json_schema(), indent=2))
