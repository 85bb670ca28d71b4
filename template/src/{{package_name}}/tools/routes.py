"""The tools over HTTP: which there are."""

from typing import Annotated, Any, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from ..auth.caller import CallerDep
from .registry import RegisteredTool, discover

router = APIRouter(prefix="/tools", tags=["tools"])


class ToolView(BaseModel):
    """A tool that agents may use."""

    name: str
    description: str
    category: str
    version: str
    enabled: bool
    parameters: dict[str, Any] = Field(description="The JSON schema of its arguments.")

    @classmethod
    def of(cls, tool: RegisteredTool) -> Self:
        """Return what the API shows of a tool."""
        return cls(
            name=tool.name,
            description=tool.definition.description or "",
            category=tool.category,
            version=tool.version,
            enabled=tool.enabled,
            parameters=tool.definition.parameters_json_schema,
        )


@router.get("")
async def list_tools(
    _caller: CallerDep,
    category: Annotated[str | None, Query(description="Only those of this category.")] = None,
) -> list[ToolView]:
    """The tools that agents may use, by name."""
    return [ToolView.of(tool) for tool in discover() if category in (None, tool.category)]
