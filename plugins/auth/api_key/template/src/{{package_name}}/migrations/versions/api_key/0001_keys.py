"""api_key: keys of users

Revision ID: api_key_0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

revision = "api_key_0001"
down_revision = None
branch_labels = ("api_key",)
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("key_id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.String(255), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("scopes", sa.Text()),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME),
        sa.Column("last_used_at", TIME),
        sa.Column("revoked_at", TIME),
        sa.Index("ix_api_keys_user_id", "user_id", "key_id"),
    )


def downgrade() -> None:
    op.drop_table("api_keys")
