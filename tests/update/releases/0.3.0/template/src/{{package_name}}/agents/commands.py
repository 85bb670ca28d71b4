"""The commands of group `agents`: which there are, and what one takes and answers."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from .definition import AnyAgent

_VALUES_SHOWN = 5

app = typer.Typer(name="agents", help="The agents of this service.", no_args_is_help=True)


@app.command("list")
def list_agents() -> None:
    """Print each agent with its model and what it is for."""
    from ..core.settings import load_settings
    from ..llm.settings import LlmSettings
    from .registry import AgentRegistry

    default = load_settings(LlmSettings).default_model
    for name, definition in AgentRegistry.discover().items():
        typer.echo(f"{name} ({definition.model_id(default)}): {definition.summary}")


@app.command()
def show(name: Annotated[str, typer.Argument(help="The agent's name.")]) -> None:
    """Print an agent's model and tools, and the schemas of its request and its output."""
    from ..core.settings import load_settings
    from ..llm.settings import LlmSettings
    from .registry import AgentRegistry

    definition = AgentRegistry.discover().find(name)
    typer.echo(f"{name}: {definition.summary}")
    typer.echo(f"model: {definition.model_id(load_settings(LlmSettings).default_model)}")
    typer.echo(f"tools: {', '.join(_tool_names(definition.agent)) or 'none'}")
    for title, schema in (
        ("request", definition.body_model(name).model_json_schema()),
        ("output", definition.agent.output_json_schema()),
    ):
        typer.echo(f"{title}: {json.dumps(_shortened(schema), indent=2, ensure_ascii=False)}")


def _shortened(schema: Any) -> Any:
    """The schema with the first of many allowed values and the number of the others."""
    match schema:
        case {"enum": [*values]} if len(values) > _VALUES_SHOWN:
            others = f"… and {len(values) - _VALUES_SHOWN} more"
            return {**schema, "enum": [*values[:_VALUES_SHOWN], others]}
        case dict():
            return {key: _shortened(value) for key, value in schema.items()}
        case list():
            return [_shortened(one) for one in schema]
        case _:
            return schema


def _tool_names(agent: "AnyAgent") -> list[str]:
    """The tools that the agent was given; of those that it looks up for each run, where."""
    from pydantic_ai import AbstractToolset, FunctionToolset

    names: list[str] = []

    def visit(toolset: AbstractToolset[object]) -> None:
        names.extend(toolset.tools if isinstance(toolset, FunctionToolset) else [toolset.label])

    for toolset in agent.toolsets:
        toolset.apply(visit)
    return sorted(names)
