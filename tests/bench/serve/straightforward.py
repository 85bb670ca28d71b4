"""A streaming agent as one writes it first: a frame for each piece of text, nothing stored."""

import json
import os
from collections.abc import AsyncIterator

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai.messages import (
    AgentStreamEvent,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
)
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.run import AgentRunResultEvent
from sse_starlette import EventSourceResponse, ServerSentEvent

provider = OpenAIProvider(base_url=os.environ["MODEL_URL"], api_key="none")
agent = Agent(
    OpenAIChatModel("bench", provider=provider), instructions="You are a helpful assistant."
)
app = FastAPI()


class Ask(BaseModel):
    """What a client asks."""

    message: str


@app.get("/health")
async def health() -> str:
    return "up"


@app.post("/run")
async def run(ask: Ask) -> EventSourceResponse:
    return EventSourceResponse(answer(ask.message))


async def answer(message: str) -> AsyncIterator[ServerSentEvent]:
    async with agent.run_stream_events(message) as events:
        async for event in events:
            if isinstance(event, AgentRunResultEvent):
                tokens = event.result.usage.total_tokens
                yield ServerSentEvent(json.dumps({"total_tokens": tokens}), event="done")
            elif text := text_of(event):
                yield ServerSentEvent(json.dumps({"text": text}), event="delta")


def text_of(event: AgentStreamEvent) -> str:
    match event:
        case PartStartEvent(part=TextPart(content=text)):
            return text
        case PartDeltaEvent(delta=TextPartDelta(content_delta=text)):
            return text
    return ""
