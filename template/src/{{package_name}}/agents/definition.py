"""What an agent's folder exports: a Pydantic AI agent and what this service has to know of it.

    # agents/order_desk/__init__.py
    from ..definition import AgentDefinition
    from .agent import agent

    definition = AgentDefinition(agent=agent, summary="Takes orders.")

The folder gives the name: `order_desk` is served as `order-desk`.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import reduce
from operator import or_
from types import FunctionType, MethodType
from typing import Annotated, Any, Literal, TypeAlias, cast, get_type_hints
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic_ai import (
    Agent,
    DeferredToolRequests,
    NativeOutput,
    PromptedOutput,
    TextOutput,
    ToolOutput,
    UsageLimits,
)
from pydantic_ai.models import Model
from pydantic_ai.settings import ModelSettings

from ..core.pages import CleanText
from ..tools.definition import AgentDeps, NoContext

__all__ = ["AgentDefinition", "AgentDeps", "AgentRequest", "AnyAgent", "NoContext"]

AnyAgent: TypeAlias = Agent[Any, Any]

MessageText = Annotated[CleanText, Field(min_length=1, max_length=100_000)]
"""What an agent may be sent."""

_NO_OUTPUT = (str, DeferredToolRequests)


def _add_example(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """Show the message and what else is required, where the fields have examples."""
    example = _example_of(model)
    with suppress(ValidationError):
        model.model_validate(example)
        schema["examples"] = [example]


def _example_of(model: type[BaseModel]) -> dict[str, Any]:
    example: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        kind = field.annotation
        if not field.is_required() and name != "message":
            continue
        if field.examples:
            example[name] = field.examples[0]
        elif isinstance(kind, type) and issubclass(kind, BaseModel):
            example[name] = _example_of(kind)
    return example


class AgentRequest(BaseModel):
    """What every agent is asked with; derive from it to add fields of an agent's own."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_add_example)

    message: MessageText = Field(description="What the user says.", examples=["Hello!"])
    session_id: UUID | None = Field(
        None, description="The conversation to go on with; without one, a new one begins."
    )
    stream: bool = Field(
        False, description="True: server-sent events as they come. False: one JSON answer."
    )
    on_disconnect: Literal["cancel", "continue"] = Field(
        "cancel", description="What becomes of the answer when the client goes away."
    )
    temperature: float | None = Field(
        None, ge=0, le=2, description="By default the model's own.", examples=[0.7]
    )
    max_tokens: int | None = Field(
        None, ge=1, le=8192, description="By default the model's own limit.", examples=[2048]
    )

    def model_settings(self) -> ModelSettings:
        """What this request asks of the model."""
        names = {"temperature", "max_tokens"}
        return cast(ModelSettings, self.model_dump(include=names, exclude_none=True))


@dataclass(frozen=True, kw_only=True)
class AgentDefinition:
    """An agent of this service.

    - `agent`: a plain Pydantic AI agent; without a model of its own it uses `model`.
    - `summary`: one line for people who choose among agents.
    - `request_model`: what a request may hold, `AgentRequest` or a class derived from it.
    - `context_model`: facts about the situation, which the client sends as `context` and tools
      read as `ctx.deps.context`; when all its fields have defaults it may be left out.
    - `model`: the id of the model to use instead of DEFAULT_MODEL.
    - `limits`: what one run may use up, instead of what the settings of the runs say.
    - `scopes`: what a caller needs to see and ask it.
    """

    agent: AnyAgent
    summary: str = ""
    request_model: type[AgentRequest] = AgentRequest
    context_model: type[BaseModel] = NoContext
    model: str | None = None
    limits: UsageLimits | None = None
    scopes: frozenset[str] = frozenset()

    def model_id(self, default: str) -> str:
        """The id of the model that answers: the definition's, the agent's or `default`."""
        own = self.model or self.agent.model or default
        return own if isinstance(own, str) else own.model_name

    @property
    def brings_model(self) -> bool:
        """Whether the agent has a model object of its own, which no id needs to name."""
        return self.model is None and isinstance(self.agent.model, Model)

    def body_model(self, name: str) -> type[AgentRequest]:
        """Return the model of the whole request body, named after the agent for OpenAPI."""
        fields: dict[str, Any] = {}
        if self.context_model is not NoContext:
            needed = any(one.is_required() for one in self.context_model.model_fields.values())
            default = Field() if needed else Field(default_factory=self.context_model)
            fields["context"] = (self.context_model, default)
        about = self.request_model.__doc__
        title = f"{class_name(name)}Request"
        return create_model(title, __base__=self.request_model, __doc__=about, **fields)

    def output_type(self) -> Any:
        """The type of what the agent answers besides plain text; None when there is none."""
        kinds = [one for one in _output_types(self.agent.output_type) if one not in _NO_OUTPUT]
        return reduce(or_, kinds) if kinds else None

    def context_of(self, request: AgentRequest) -> BaseModel:
        """Return the validated context of a request that `body_model` has validated."""
        context = getattr(request, "context", None)
        return context if isinstance(context, BaseModel) else self.context_model()


def class_name(agent_name: str) -> str:
    """What the names of an agent's own models begin with: OrderDesk for order-desk."""
    return agent_name.title().replace("-", "")


def _output_types(spec: Any) -> Iterator[Any]:
    """Each type that an agent with this `output_type` may answer with."""
    match spec:
        case list() | tuple():
            for one in spec:
                yield from _output_types(one)
        case NativeOutput() | PromptedOutput():
            yield from _output_types(spec.outputs)
        case ToolOutput():
            yield from _output_types(spec.output)
        case TextOutput(output_function=function) | (FunctionType() | MethodType() as function):
            yield from _output_types(get_type_hints(function).get("return", str))
        case _:
            yield spec
