"""The agent: what it is told stands in instructions.md, what it answers with in output.py."""

from pathlib import Path

from pydantic_ai import Agent, ModelRetry

from ..definition import AgentDeps
from .output import Order

agent = Agent(
    deps_type=AgentDeps,
    output_type=Order,
    instructions=Path(__file__).with_name("instructions.md").read_text(encoding="utf-8"),
    retries={"output": 3},
)


@agent.output_validator
def check_total(order: Order) -> Order:
    """Ask again when the numbers contradict each other; a form that is wrong is noticed before."""
    if order.total not in {None, order.sum_of_items()}:
        raise ModelRetry(
            f"The items come to {order.sum_of_items()}, the total is {order.total}. Read the text "
            f"again: is an item missing, or a number wrong? If the text itself is wrong, let the "
            f"total be null."
        )
    return order
