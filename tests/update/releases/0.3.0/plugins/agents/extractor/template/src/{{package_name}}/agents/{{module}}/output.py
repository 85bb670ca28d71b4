"""What the agent answers with. Make it yours: the model reads every name and description here.

A field that the text may not have is optional, so that nothing has to be made up.
"""

from decimal import Decimal

from pydantic import BaseModel, Field


class Item(BaseModel):
    """One thing that is ordered."""

    name: str = Field(description="As the text calls it.")
    quantity: int = Field(ge=1, description="How many.")
    price: Decimal = Field(ge=0, description="Of one of them.")


class Order(BaseModel):
    """An order."""

    items: list[Item]
    total: Decimal | None = Field(ge=0, description="As the text says it, else null.")
    currency: str | None = Field(
        min_length=3, max_length=3, description="ISO 4217, such as EUR; null when it isn't clear."
    )

    def sum_of_items(self) -> Decimal:
        """What the items come to."""
        return sum((item.quantity * item.price for item in self.items), Decimal())
