"""orders: how much of it

Revision ID: acme_orders_0002
Revises: acme_orders_0001
"""

import sqlalchemy as sa
from alembic import op

revision = "acme_orders_0002"
down_revision = "acme_orders_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "acme_orders", sa.Column("amount", sa.Integer(), nullable=False, server_default="1")
    )


def downgrade() -> None:
    op.drop_column("acme_orders", "amount")
