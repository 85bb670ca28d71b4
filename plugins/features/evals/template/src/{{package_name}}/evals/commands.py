"""`evals run`: are the agents' answers as good as their datasets want them?"""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from .runner import Report

about = "How well agents answer the cases of evals/AGENT.yaml."
app = typer.Typer(name="evals", help=about, no_args_is_help=True)


@app.command()
def run(
    agent: Annotated[str, typer.Argument(help="Its name; by default each with a dataset.")] = "",
    model: Annotated[str, typer.Option(help="The id of a model to try instead.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Ask agents their cases; exit code 1 when an assertion, or anything else, fails."""
    from pydantic_core import to_json

    from ..core.commands import with_database
    from ..core.migrate import prepare_schema
    from .runner import has_passed

    with_database(prepare_schema)
    reports = asyncio.run(_evaluate(agent, model))
    passed = all(map(has_passed, reports))
    if as_json:
        document = {"passed": passed, "reports": reports}
        typer.echo(to_json(document, indent=2, serialize_unknown=True))
    else:
        for report in reports:
            report.print(include_input=True, include_output=True, include_reasons=True)
    raise typer.Exit(0 if passed else 1)


async def _evaluate(agent: str, model_id: str) -> "list[Report]":
    from ..core.settings import get_settings
    from ..main import create_app
    from .runner import dataset_names, evaluate

    app = create_app(get_settings())
    async with app.router.lifespan_context(app):
        services = app.state.services
        names = [agent] if agent else dataset_names()
        return [await evaluate(services, name, model_id) for name in names]
