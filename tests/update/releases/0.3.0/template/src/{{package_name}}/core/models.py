"""The rows of the core."""

from datetime import datetime

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from .orm import Base


class KeyValue(Base):
    """A short-lived value or counter; what has expired is as good as deleted."""

    __tablename__ = "key_values"

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[bytes | None]
    count: Mapped[int] = mapped_column(default=0)
    expires_at: Mapped[datetime] = mapped_column(index=True)
