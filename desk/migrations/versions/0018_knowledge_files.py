"""Files and products of articles.

Revision: 0018 after 0017. Rolling back forgets what it adds.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NOUNS = {"article_id": "article", "attachment_id": "attachment", "author_id": "agent"}


def upgrade() -> None:
    op.create_table(
        "product",
        sa.Column("id", BIG, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product")),
        sa.UniqueConstraint("key", name=op.f("uq_product_key")),
    )
    op.create_table(
        "article_product",
        sa.Column("article_id", BIG, nullable=False),
        sa.Column("product_id", BIG, nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_article_product_article_id_article")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_article_product_product_id_product")),
        sa.PrimaryKeyConstraint("article_id", "product_id", name=op.f("pk_article_product")),
    )
    op.create_index("ix_article_product_product", "article_product", ["product_id", "article_id"])
    op.create_table(
        "article_file",
        sa.Column("id", BIG, nullable=False),
        *(sa.Column(noun, BIG, nullable=noun == "author_id") for noun in NOUNS),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        *(
            sa.ForeignKeyConstraint([noun], [f"{table}.id"], name=op.f(f"fk_article_file_{noun}_{table}"))
            for noun, table in NOUNS.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article_file")),
    )
    op.create_index("ix_article_file_article", "article_file", ["article_id", "id"])
    op.create_index("ix_article_file_attachment", "article_file", ["attachment_id"])


def downgrade() -> None:
    """Rows of `attachment` that only articles named stay; nothing leads to them any more."""
    op.drop_table("article_file")
    op.drop_table("article_product")
    op.drop_table("product")
