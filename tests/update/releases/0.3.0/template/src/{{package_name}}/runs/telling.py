"""What models and tools do, as Pydantic AI says it, in the words that clients are told it in."""

from pydantic_ai import messages as ai
from pydantic_core import to_jsonable_python

from ..sessions.transcript import arguments_of
from .events import RESULT_LIMIT, Delta, Progress, Reasoning, TextEvent, ToolEnd, ToolStart

_ABOUT_AN_EVENT = {"name", "tool_call_id", "tool_name", "event_kind"}


def text_of(part: ai.TextPart | ai.ThinkingPart) -> TextEvent:
    """What a part of an answer says."""
    kind = Reasoning if isinstance(part, ai.ThinkingPart) else Delta
    return kind(text=part.content)


def tool_start(call: ai.ToolCallPart) -> ToolStart:
    """That a tool is called."""
    return ToolStart(
        tool_call_id=call.tool_call_id, tool_name=call.tool_name, arguments=arguments_of(call)
    )


def tool_end(result: ai.ToolReturnPart) -> ToolEnd:
    """How a call has ended."""
    return ToolEnd(
        tool_call_id=result.tool_call_id,
        tool_name=result.tool_name,
        outcome=result.outcome,
        result=result.model_response_str()[:RESULT_LIMIT],
    )


def progress(event: ai.CustomEvent) -> Progress:
    """What a tool reports while it works: the fields of its event."""
    data = {name: value for name, value in vars(event).items() if name not in _ABOUT_AN_EVENT}
    return Progress(
        name=event.name,
        tool_call_id=event.tool_call_id,
        tool_name=event.tool_name,
        data=to_jsonable_python(data, serialize_unknown=True),
    )
