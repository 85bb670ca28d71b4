"""A helpful assistant that knows the date, its caller and the tools of this project."""

from ..definition import AgentDefinition
from .agent import AssistantContext, agent

definition = AgentDefinition(
    agent=agent,
    summary="A helpful assistant that knows the date, its caller and the tools of this project.",
    context_model=AssistantContext,
)
