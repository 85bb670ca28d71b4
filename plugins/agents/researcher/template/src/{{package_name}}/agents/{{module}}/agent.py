"""The agent, as instructions.md tells it: it plans by plan.py and has pages read by reader.py."""

from pathlib import Path

from pydantic_ai import Agent, DeferredToolRequests, Tool

from ..definition import AgentDeps
from .plan import show_plan, write_plan
from .reader import read_many, read_page

agent = Agent(
    deps_type=AgentDeps,
    output_type=[str, DeferredToolRequests],
    instructions=[
        Path(__file__).with_name("instructions.md").read_text(encoding="utf-8"),
        show_plan,
    ],
    tools=[write_plan, read_page, Tool(read_many, requires_approval=True)],
)
