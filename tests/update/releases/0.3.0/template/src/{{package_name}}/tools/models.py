"""The rows of the tools."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from ..core.orm import Base


class ToolSwitch(Base):
    """What somebody has decided about a tool; without a row, its code decides."""

    __tablename__ = "tool_switches"

    tool_name: Mapped[str] = mapped_column(String(64), primary_key=True)
    enabled: Mapped[bool]
    updated_at: Mapped[datetime]
