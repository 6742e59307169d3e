"""Webhook events, and photos of CompanyCam.

The downgrade may run twice, or where the upgrade never happened: it says IF EXISTS.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "webhook_events",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("payload", JSONB, nullable=False),
        sa.Column("received_at", sa.DateTime, server_default=sa.func.now(), nullable=False),
    )
    op.create_table(
        "companycam_photos",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("lead_id", sa.Integer, sa.ForeignKey("leads.id"), nullable=False, index=True),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("event_id", sa.Text, sa.ForeignKey("webhook_events.id"), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("companycam_photos", if_exists=True)
    op.drop_table("webhook_events", if_exists=True)
