"""`test-model`: does the model answer, and if not, why not?"""

import asyncio
import time
from typing import Annotated

import typer

app = typer.Typer()


@app.command("test-model")
def ask_model(
    model: Annotated[str, typer.Argument(help="A model id; by default DEFAULT_MODEL.")] = "",
) -> None:
    """Ask a model for one word and say in one line what is wrong, if something is."""
    typer.echo(asyncio.run(_ask(model)))


async def _ask(model_id: str) -> str:
    """Return a line that says how long the model took; raises `AppError` with what to mend."""
    from pydantic_ai.direct import model_request
    from pydantic_ai.exceptions import AgentRunError
    from pydantic_ai.messages import ModelRequest
    from pydantic_ai.settings import ModelSettings

    from ..core.settings import load_settings
    from .errors import explain
    from .models import DEMO, Models
    from .settings import LlmSettings

    models = Models(load_settings(LlmSettings))
    model_id = model_id or models.settings.default_model
    started = time.perf_counter()
    try:
        model = await models.get(model_id)
        request = ModelRequest.user_text_prompt("Answer with the one word: ready")
        settings = ModelSettings(max_tokens=256, timeout=30, max_retries=0)
        await model_request(model, [request], model_settings=settings)
    except AgentRunError as error:
        raise explain(error, model_id) or error from error
    finally:
        await models.close()
    offline = " (offline: it only repeats what it is told)" if model_id == DEMO else ""
    return f"{model_id} answers in {time.perf_counter() - started:.1f} s{offline}"
