"""Dice: for customers who cannot decide."""

from random import SystemRandom

from .definition import tool


@tool(category="games")
async def throw_dice(sides: int = 6) -> int:
    """Throw one die and return what it shows.

    Args:
        sides: How many sides it has.
    """
    return SystemRandom().randint(1, sides)
