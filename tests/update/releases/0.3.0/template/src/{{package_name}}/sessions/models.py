"""The rows of a conversation: sessions, their messages, and the runs that answered.

A message row is made to be read (who said what, which tool was called with what), and the rows
together also hold the exact Pydantic AI messages in `data`, so that a conversation goes on as
if the process had never ended.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, get_args
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from ..core.orm import Base, JsonText, Timestamps, utc_now, uuid7

RunStatus = Literal["queued", "running", "paused", "completed", "interrupted", "error"]
Role = Literal["user", "assistant", "system", "tool"]

LIVE: tuple[RunStatus, ...] = ("running", "paused")

_DELETED_SQL = text("deleted_at IS NOT NULL")
_LIVE_SQL = text(f"status IN {LIVE}")


class AgentSession(Timestamps, Base):
    """A conversation of one user with one agent."""

    __tablename__ = "ai_agent_sessions"
    __table_args__ = (
        Index("ix_ai_agent_sessions_user_id", "user_id", "session_id"),
        Index("ix_ai_agent_sessions_user_id_agent_name", "user_id", "agent_name", "session_id"),
        Index(
            "ix_ai_agent_sessions_deleted_at",
            "deleted_at",
            sqlite_where=_DELETED_SQL,
            postgresql_where=_DELETED_SQL,
        ),
    )

    session_id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    user_id: Mapped[str] = mapped_column(String(255))
    agent_name: Mapped[str] = mapped_column(String(64))
    session_title: Mapped[str | None] = mapped_column(String(200))
    session_summary: Mapped[str | None] = mapped_column(Text)
    preferences: Mapped[dict[str, Any]] = mapped_column(default=dict)
    variables: Mapped[dict[str, Any]] = mapped_column(default=dict)
    is_active: Mapped[bool] = mapped_column(default=True)
    deleted_at: Mapped[datetime | None]


class AgentRun(Base):
    """One turn: from a user's message to the end of the answer, whatever end it was."""

    __tablename__ = "ai_agent_runs"
    __table_args__ = (
        CheckConstraint(f"status IN {get_args(RunStatus)}", name="status"),
        # At most one live run in a session, whoever starts it, in whichever process.
        Index(
            "uq_ai_agent_runs_live",
            "session_id",
            unique=True,
            sqlite_where=_LIVE_SQL,
            postgresql_where=_LIVE_SQL,
        ),
        Index("ix_ai_agent_runs_session_id", "session_id", "run_id"),
        Index("ix_ai_agent_runs_user_id", "user_id", "run_id"),
        Index("ix_ai_agent_runs_status_lease_until", "status", "lease_until"),
    )

    run_id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    session_id: Mapped[UUID] = mapped_column(
        ForeignKey("ai_agent_sessions.session_id", ondelete="CASCADE")
    )
    user_id: Mapped[str] = mapped_column(String(255))
    agent_name: Mapped[str] = mapped_column(String(64))
    model: Mapped[str] = mapped_column(Text)
    user_message_id: Mapped[UUID | None]
    assistant_message_id: Mapped[UUID | None]
    status: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(64))
    error: Mapped[str | None] = mapped_column(Text)
    request: Mapped[dict[str, Any]] = mapped_column(default=dict)
    output: Mapped[Any] = mapped_column(JsonText, nullable=True)
    usage: Mapped[dict[str, Any]] = mapped_column(default=dict)
    total_tokens: Mapped[int] = mapped_column(default=0)
    cost_usd: Mapped[Decimal | None] = mapped_column(Numeric(18, 9))
    owner_id: Mapped[UUID | None]
    lease_until: Mapped[datetime | None]
    stop_requested_at: Mapped[datetime | None]
    started_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)
    completed_at: Mapped[datetime | None]


class AgentMessage(Base):
    """One thing said, or one tool called with what came of it.

    `data` is the Pydantic AI message, exact but for media, in the first of the rows that tell it.
    """

    __tablename__ = "ai_agent_messages"
    __table_args__ = (
        CheckConstraint(f"role IN {get_args(Role)}", name="role"),
        Index("uq_ai_agent_messages_position", "session_id", "position", unique=True),
        Index("ix_ai_agent_messages_run_id", "run_id", "position"),
    )

    message_id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    session_id: Mapped[UUID] = mapped_column(
        ForeignKey("ai_agent_sessions.session_id", ondelete="CASCADE")
    )
    run_id: Mapped[UUID] = mapped_column(ForeignKey("ai_agent_runs.run_id", ondelete="CASCADE"))
    position: Mapped[int]
    role: Mapped[str] = mapped_column(String(16))
    content: Mapped[str] = mapped_column(Text, default="")
    tool_call_id: Mapped[str | None] = mapped_column(String(255))
    tool_name: Mapped[str | None] = mapped_column(String(255))
    tool_arguments: Mapped[Any] = mapped_column(JsonText, nullable=True)
    data: Mapped[str | None] = mapped_column(Text)
    interrupted: Mapped[bool] = mapped_column(default=False)
    error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    completed_at: Mapped[datetime | None]
