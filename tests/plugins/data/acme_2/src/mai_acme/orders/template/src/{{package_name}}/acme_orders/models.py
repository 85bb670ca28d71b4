"""The rows of the orders."""

from uuid import UUID

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from ..core.orm import Base, Timestamps, uuid7


class Order(Timestamps, Base):
    """What one user has ordered."""

    __tablename__ = "acme_orders"

    order_id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    user_id: Mapped[str] = mapped_column(String(255), index=True)
    what: Mapped[str] = mapped_column(String(200))
    amount: Mapped[int] = mapped_column(default=1)
