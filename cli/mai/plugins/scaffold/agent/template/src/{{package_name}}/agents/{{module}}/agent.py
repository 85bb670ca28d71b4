"""The agent: what it always knows stands in instructions.md, the rest is said on each run."""

from pathlib import Path

from pydantic_ai import Agent

from ...tools.definition import toolset
from ..definition import AgentDeps

agent = Agent(
    deps_type=AgentDeps,
    instructions=Path(__file__).with_name("instructions.md").read_text(encoding="utf-8"),
    toolsets=[toolset()],
)
