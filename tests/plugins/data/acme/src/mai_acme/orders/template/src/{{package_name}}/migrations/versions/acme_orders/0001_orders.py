"""orders: what was ordered

Revision ID: acme_orders_0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

revision = "acme_orders_0001"
down_revision = None
branch_labels = ("acme_orders",)
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "acme_orders",
        sa.Column("order_id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.String(255), nullable=False),
        sa.Column("what", sa.String(200), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Index("ix_acme_orders_user_id", "user_id"),
    )


def downgrade() -> None:
    op.drop_table("acme_orders")
