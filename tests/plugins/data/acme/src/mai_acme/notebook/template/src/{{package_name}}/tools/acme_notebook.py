"""The notebook, as a model uses it."""

from typing import TYPE_CHECKING

from pydantic_ai import RunContext

from .definition import AgentDeps, tool

if TYPE_CHECKING:
    from ..acme_notebook.notebook import Notebook


@tool(category="memory")
async def keep_note(ctx: RunContext[AgentDeps], note: str) -> str:
    """Keep a note for this user.

    Args:
        note: What is to be kept.
    """
    await _notebook(ctx).add(ctx.deps.caller, note)
    return "kept"


@tool(category="memory")
async def read_notes(ctx: RunContext[AgentDeps]) -> list[str]:
    """Read what was kept for this user, oldest first."""
    return await _notebook(ctx).read(ctx.deps.caller)


def _notebook(ctx: RunContext[AgentDeps]) -> "Notebook":
    from ..acme_notebook.notebook import Notebook

    return ctx.deps.services.get(Notebook)
