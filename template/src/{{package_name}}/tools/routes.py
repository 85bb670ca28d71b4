"""The tools over HTTP: which there are, switching them, and calling one without a model."""

import time
from typing import Annotated, Any
from uuid import UUID

import structlog
from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_jsonable_python

from ..auth.caller import CurrentUser
from ..core.errors import NotFound, TooManyRequests
from ..core.problems import OF_BODIES, OF_CALLERS, problems
from ..core.services import ServicesDep
from .calls import ApprovalNeeded, ToolCallFailed, ToolDisabled, ToolTimedOut, call_tool
from .definition import RegisteredTool, find_tool, list_tools
from .switches import ToolSwitches

log = structlog.get_logger(__name__)

router = APIRouter(prefix="/tools", tags=["tools"], responses=problems(*OF_CALLERS))

MANAGE = "tools:manage"
"""The scope that switching tools needs, for it changes what every agent can do."""

_OF_CALLS = problems(
    NotFound,
    ToolDisabled,
    ApprovalNeeded,
    *OF_BODIES,
    TooManyRequests,
    ToolCallFailed,
    ToolTimedOut,
)

ToolName = Annotated[
    str, Path(max_length=64, description="The name of a tool.", examples=["current_time"])
]
Category = Annotated[str | None, Query(max_length=64, description="Only those of this category.")]


class ToolView(BaseModel):
    """A tool of this service."""

    name: str
    description: str
    category: str
    version: str
    enabled: bool = Field(description="Whether agents are given it.")
    scopes: list[str] = Field(description="What a caller needs to use it.")
    parameters: dict[str, Any] = Field(description="The JSON schema of its arguments.")


class ToolList(BaseModel):
    """The tools that you may use."""

    tools: list[ToolView]


class ToolSwitchRequest(BaseModel):
    """What to change about a tool."""

    model_config = ConfigDict(extra="forbid")

    enabled: bool = Field(
        description="Whether agents are given it, in every process.", examples=[False]
    )


class ToolCallRequest(BaseModel):
    """A call of a tool."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=64, examples=["current_time"])
    arguments: dict[str, Any] = Field(
        default_factory=dict, description="By name.", examples=[{"timezone": "Europe/Berlin"}]
    )
    session_id: UUID | None = Field(None, description="The conversation that the tool works for.")


class ToolCallView(BaseModel):
    """What a tool answered."""

    name: str
    result: Any
    duration_s: float


@router.get("")
async def list_all_tools(
    caller: CurrentUser, services: ServicesDep, category: Category = None
) -> ToolList:
    """The tools that you may use, those that are disabled among them."""
    states = await services.get(ToolSwitches).read()
    mine = (one for one in list_tools(category) if caller.may(one.scopes))
    return ToolList(tools=[_view(one, one.is_enabled(states)) for one in mine])


@router.patch("/{name}", responses=problems(NotFound, *OF_BODIES))
async def switch_tool(
    name: ToolName, body: ToolSwitchRequest, caller: CurrentUser, services: ServicesDep
) -> ToolView:
    """Enable or disable a tool for every agent and caller."""
    caller.require({MANAGE}, "switching tools")
    found = find_tool(name)
    await services.get(ToolSwitches).switch(name, body.enabled)
    log.info("tool_switched", tool=name, enabled=body.enabled, user_id=caller.id)
    return _view(found, body.enabled)


@router.post("/call", responses=_OF_CALLS)
async def call_one_tool(
    body: ToolCallRequest, caller: CurrentUser, services: ServicesDep
) -> ToolCallView:
    """Call a tool without a model, with its arguments checked."""
    started = time.perf_counter()
    result = await call_tool(services, caller, body.name, body.arguments, body.session_id)
    return ToolCallView(
        name=body.name,
        result=to_jsonable_python(result, bytes_mode="base64", serialize_unknown=True),
        duration_s=round(time.perf_counter() - started, 4),
    )


def _view(one: RegisteredTool, enabled: bool) -> ToolView:
    return ToolView(
        name=one.tool.name,
        description=one.tool.description or "",
        category=one.category,
        version=one.version,
        enabled=enabled,
        scopes=sorted(one.scopes),
        parameters=one.tool.tool_def.parameters_json_schema,
    )
