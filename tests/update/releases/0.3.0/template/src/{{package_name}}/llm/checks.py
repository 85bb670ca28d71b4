"""Does a model answer, call a tool, and how fast?"""

import time
from dataclasses import dataclass

from pydantic_ai import Agent, AgentRunResult
from pydantic_ai import messages as ai
from pydantic_ai.exceptions import AgentRunError, RunTimedOut
from pydantic_ai.run import AgentRunResultEvent
from pydantic_ai.usage import UsageLimits

from ..core.errors import ModelTimeout
from .errors import ModelNotConfigured, explain
from .models import DEMO, Models

_PROMPT = "Call the tool `password`, say what it tells you, then count to twenty in words."
_MOST_REQUESTS = 5


def password() -> str:
    """Tell the password of today."""
    return "tangerine"


@dataclass
class _Course:
    """How a test went; times are in seconds since it began."""

    first_token_s: float | None = None
    answer_began_s: float | None = None
    ended_s: float = 0.0
    called_tool: bool = False
    output_tokens: int = 0

    @property
    def tokens_per_s(self) -> float:
        return self.output_tokens / max(self.ended_s - (self.answer_began_s or 0.0), 0.001)


async def check_model(models: Models, model_id: str, limit_s: float) -> str:
    """Let a model call a tool and answer; return a line that says how fast it was.

    Raises an `AppError` that says what is wrong and how to mend it, also for a model that takes
    longer than `limit_s`.
    """
    agent, course = Agent(await models.get_one(model_id), tools=[password]), _Course()
    try:
        await _run(agent, course, limit_s)
    except RunTimedOut as error:
        raise ModelTimeout(f"{model_id}: too slow: {_slowness(course, limit_s)}") from error
    except AgentRunError as error:
        raise explain(error, model_id) or error from error
    if not course.called_tool:
        raise ModelNotConfigured(
            f"{model_id}: it answers but calls no tool: choose a model that does"
        )
    note = ", offline: it only repeats what it is told" if model_id == DEMO else ""
    return (
        f"{model_id} answers and calls tools: first token after {course.first_token_s:.1f} s, "
        f"{course.tokens_per_s:.0f} tokens/s{note}"
    )


async def _run(agent: Agent[None, str], course: _Course, limit_s: float) -> None:
    began, limits = time.perf_counter(), UsageLimits(request_limit=_MOST_REQUESTS)
    async with agent.run_stream_events(_PROMPT, timeout=limit_s, usage_limits=limits) as events:
        async for event in events:
            now_s = time.perf_counter() - began
            match event:
                case ai.PartStartEvent():
                    course.first_token_s = course.first_token_s or now_s
                    course.answer_began_s = course.answer_began_s or now_s
                case ai.FunctionToolResultEvent():
                    course.called_tool, course.answer_began_s = True, None
                case AgentRunResultEvent(result=AgentRunResult() as result):
                    course.ended_s = now_s
                    course.output_tokens = result.response.usage.output_tokens


def _slowness(course: _Course, limit_s: float) -> str:
    if course.first_token_s is None:
        return f"no token within {limit_s:g} s (--limit-s): try again, it may be loading"
    return (
        f"the first token after {course.first_token_s:.1f} s, no end within {limit_s:g} s "
        f"(--limit-s): try a smaller model, or a faster server"
    )
