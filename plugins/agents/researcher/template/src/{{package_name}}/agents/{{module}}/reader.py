"""The helper: it reads a page for a question, so that no page fills the conversation."""

import asyncio
from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_ai import Agent, RunContext, ToolFailed

from ...tools.definition import toolset
from ..definition import AgentDefinition, AgentDeps
from ..delegation import ask_agent

NAME = "reader"

Address = Annotated[str, Field(max_length=2_000)]
Question = Annotated[str, Field(min_length=1, max_length=1_000)]

reader = AgentDefinition(
    agent=Agent(
        name=NAME,
        deps_type=AgentDeps,
        instructions=Path(__file__).with_name("reader.md").read_text(encoding="utf-8"),
        toolsets=[toolset("web_fetch")],
    )
)


async def read_page(ctx: RunContext[AgentDeps], url: Address, question: Question) -> str:
    """Have a web page read: what it says about a question, and which of its links lead on.

    Args:
        url: The full address, with http:// or https://.
        question: What to look for, in full: the reader knows nothing else.
    """
    answer: str = await ask_agent(ctx, NAME, reader, f"Page: {url}\nQuestion: {question}")
    return answer


async def read_many(
    ctx: RunContext[AgentDeps],
    urls: Annotated[list[Address], Field(min_length=2, max_length=20)],
    question: Question,
) -> dict[str, str]:
    """Have many web pages read at once. It is expensive, so the user is asked first.

    Args:
        urls: Their full addresses.
        question: What to look for in each of them, in full.
    """

    async def read(url: str) -> str:
        try:
            return await read_page(ctx, url, question)
        except ToolFailed as error:
            return f"It could not be read. {error.message}"

    answers = await asyncio.gather(*map(read, urls))
    return dict(zip(urls, answers, strict=True))
