"""conversations: sessions, runs and messages

Revision ID: core_0001
Revises:
"""

from uuid import UUID

import sqlalchemy as sa
from alembic import op

revision = "core_0001"
down_revision = None
branch_labels = ("core",)
depends_on = None

TIME = sa.DateTime(timezone=True)
LIVE = sa.text("status IN ('running', 'paused')")


def upgrade() -> None:
    op.create_table(
        "ai_agent_sessions",
        sa.Column("session_id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.String(255), nullable=False),
        sa.Column("agent_name", sa.String(64), nullable=False),
        sa.Column("session_title", sa.String(200)),
        sa.Column("session_summary", sa.Text()),
        sa.Column("preferences", sa.Text(), nullable=False),
        sa.Column("variables", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("deleted_at", TIME),
        sa.Index("ix_ai_agent_sessions_user_id", "user_id", "session_id"),
        sa.Index("ix_ai_agent_sessions_user_id_agent_name", "user_id", "agent_name", "session_id"),
    )
    op.create_table(
        "ai_agent_runs",
        sa.Column("run_id", sa.Uuid(), primary_key=True),
        _reference("session_id", "ai_agent_sessions"),
        sa.Column("user_id", sa.String(255), nullable=False),
        sa.Column("agent_name", sa.String(64), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("user_message_id", sa.Uuid()),
        sa.Column("assistant_message_id", sa.Uuid()),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(64)),
        sa.Column("error", sa.Text()),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("output", sa.Text()),
        sa.Column("usage", sa.Text(), nullable=False),
        sa.Column("total_tokens", sa.Integer(), nullable=False),
        sa.Column("cost_usd", sa.Numeric(18, 9)),
        sa.Column("owner_id", sa.Uuid()),
        sa.Column("lease_until", TIME),
        sa.Column("stop_requested_at", TIME),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("completed_at", TIME),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'paused', 'completed', 'interrupted', 'error')",
            name=op.f("ck_ai_agent_runs_status"),
        ),
        sa.Index("ix_ai_agent_runs_session_id", "session_id", "run_id"),
        sa.Index("ix_ai_agent_runs_status_lease_until", "status", "lease_until"),
        sa.Index(
            "uq_ai_agent_runs_live",
            "session_id",
            unique=True,
            sqlite_where=LIVE,
            postgresql_where=LIVE,
        ),
    )
    op.create_table(
        "ai_agent_messages",
        sa.Column("message_id", sa.Uuid(), primary_key=True),
        _reference("session_id", "ai_agent_sessions"),
        _reference("run_id", "ai_agent_runs"),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("tool_call_id", sa.String(255)),
        sa.Column("tool_name", sa.String(255)),
        sa.Column("tool_arguments", sa.Text()),
        sa.Column("data", sa.Text()),
        sa.Column("interrupted", sa.Boolean(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("completed_at", TIME),
        sa.CheckConstraint(
            "role IN ('user', 'assistant', 'system', 'tool')",
            name=op.f("ck_ai_agent_messages_role"),
        ),
        sa.Index("ix_ai_agent_messages_run_id", "run_id", "position"),
        sa.Index("uq_ai_agent_messages_position", "session_id", "position", unique=True),
    )


def _reference(name: str, table: str) -> sa.Column[UUID]:
    key = sa.ForeignKey(f"{table}.{name}", ondelete="CASCADE")
    return sa.Column(name, sa.Uuid(), key, nullable=False)


def downgrade() -> None:
    op.drop_table("ai_agent_messages")
    op.drop_table("ai_agent_runs")
    op.drop_table("ai_agent_sessions")
