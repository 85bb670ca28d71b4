"""The rows of users, and of what was done in their names and to them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from ..core.orm import Base, Timestamps, utc_now, uuid7


class User(Timestamps, Base):
    """Somebody whom this service knows by name. How they prove it is a matter of the modes."""

    __tablename__ = "users"

    user_id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    username: Mapped[str] = mapped_column(String(64), unique=True)
    email: Mapped[str | None] = mapped_column(String(254), unique=True)
    is_active: Mapped[bool] = mapped_column(default=True)
    is_superuser: Mapped[bool] = mapped_column(default=False)
    scopes: Mapped[list[Any]] = mapped_column(default=list)


class AuditEvent(Base):
    """One login, use of an administrator's right, or change of who may do what. Never changed."""

    __tablename__ = "audit_events"
    __table_args__ = (Index("ix_audit_events_subject", "subject", "event_id"),)

    event_id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    happened_at: Mapped[datetime] = mapped_column(default=utc_now)
    action: Mapped[str] = mapped_column(String(64))
    caller_id: Mapped[str | None] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(255))
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
