"""The agent: what it is told stands in instructions.md."""

from pathlib import Path

from pydantic_ai import Agent

from ...tools.definition import toolset
from ..definition import AgentDeps

agent = Agent(
    deps_type=AgentDeps,
    toolsets=[toolset()],
    instructions=Path(__file__).with_name("instructions.md").read_text(encoding="utf-8"),
)
