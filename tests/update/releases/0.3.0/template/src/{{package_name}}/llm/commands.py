"""`test-model`: does a model answer, and if not, why not?"""

import asyncio
from typing import Annotated

import typer

app = typer.Typer()


@app.command("test-model")
def ask_models(
    models: Annotated[
        list[str] | None, typer.Argument(help="Model ids; by default those of DEFAULT_MODEL.")
    ] = None,
    limit_s: Annotated[
        float, typer.Option(min=0.1, help="One that takes longer, in seconds, is too slow.")
    ] = 30,
) -> None:
    """Let each model call a tool, and say in one line how fast it is or what to mend."""
    if not asyncio.run(_ask(models, limit_s)):
        raise typer.Exit(1)


async def _ask(model_ids: list[str] | None, limit_s: float) -> bool:
    """Print a line for each model; return whether all of them answered."""
    from structlog.testing import capture_logs

    from ..core.errors import AppError
    from ..core.settings import load_settings
    from .checks import check_model
    from .models import Models
    from .settings import LlmSettings, split_ids

    models, all_well = Models(load_settings(LlmSettings)), True
    with capture_logs():  # the line says it
        for model_id in split_ids(",".join(model_ids or [models.settings.default_model])):
            try:
                typer.echo(await check_model(models, model_id, limit_s))
            except AppError as error:
                all_well = False
                typer.echo(f"error: {error.message}", err=True)
    await models.close()
    return all_well
