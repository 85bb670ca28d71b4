"""lists and erasure: indexes for a caller's runs and for deleted sessions

Revision ID: core_0003
Revises: core_0002
"""

import sqlalchemy as sa
from alembic import op

revision = "core_0003"
down_revision = "core_0002"
branch_labels = None
depends_on = None

DELETED = sa.text("deleted_at IS NOT NULL")


def upgrade() -> None:
    op.create_index("ix_ai_agent_runs_user_id", "ai_agent_runs", ["user_id", "run_id"])
    op.create_index(
        "ix_ai_agent_sessions_deleted_at",
        "ai_agent_sessions",
        ["deleted_at"],
        sqlite_where=DELETED,
        postgresql_where=DELETED,
    )


def downgrade() -> None:
    op.drop_index("ix_ai_agent_sessions_deleted_at", "ai_agent_sessions")
    op.drop_index("ix_ai_agent_runs_user_id", "ai_agent_runs")
