"""tools: short-lived values, and which tools are switched on

Revision ID: core_0002
Revises: core_0001
"""

import sqlalchemy as sa
from alembic import op

revision = "core_0002"
down_revision = "core_0001"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "key_values",
        sa.Column("key", sa.Text(), primary_key=True),
        sa.Column("value", sa.LargeBinary()),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Index("ix_key_values_expires_at", "expires_at"),
    )
    op.create_table(
        "tool_switches",
        sa.Column("tool_name", sa.String(64), primary_key=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("tool_switches")
    op.drop_table("key_values")
