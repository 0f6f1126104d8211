"""Articles with their structure, confidence, owner and dates; faults, votes, equal words, and gaps in the knowledge.

Revision: 0013 after 0012. What was published counts as validated. Rolling back forgets what it adds.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
OPEN = sa.text("closed_at IS NULL")
TEXTS = ("environment", "cause")
WORDS = {"confidence": "wip", "governance": "experience", "category": ""}
PEOPLE = {"owner_id": "agent", "merged_into_id": "article"}
MOMENTS = ("review_at", "publish_at", "archive_at")
INDEXES = {
    "ix_article_health": ["health", "id"],
    "ix_article_review": ["review_at", "id"],
    "ix_article_unfinished": ["confidence", "updated_at"],
    "ix_article_twin": ["twin_key"],
    "ix_article_source": ["source_version", "id"],
}


def upgrade() -> None:
    _structure_articles()
    with op.batch_alter_table("article_revision") as change:
        for name in TEXTS:
            change.add_column(sa.Column(name, sa.String(), nullable=False, server_default=""))
    with op.batch_alter_table("article_revision") as change:
        for name in TEXTS:
            change.alter_column(name, server_default=None)
    op.drop_index("ix_article_link_article_id", "article_link")
    op.add_column("article_link", sa.Column("how", sa.String(), nullable=False, server_default="linked"))
    with op.batch_alter_table("article_link") as change:
        change.alter_column("how", server_default=None)
    op.create_index("ix_article_link_article_id", "article_link", ["article_id", "at"])
    op.create_index("ix_article_link_at", "article_link", ["at"])
    _follow_searches()
    _make_tables()


def downgrade() -> None:
    for table in ("knowledge_gap", "equal_words", "article_vote", "article_flag"):
        op.drop_table(table)
    op.drop_index("ix_search_log_visit", "search_log")
    with op.batch_alter_table("search_log") as change:
        change.drop_constraint(op.f("fk_search_log_opened_id_article"), type_="foreignkey")
        for name in ("visit", "opened_id", "helped", "asked_at"):
            change.drop_column(name)
    op.drop_index("ix_article_link_at", "article_link")
    op.drop_index("ix_article_link_article_id", "article_link")
    with op.batch_alter_table("article_link") as change:
        change.drop_column("how")
    op.create_index("ix_article_link_article_id", "article_link", ["article_id"])
    with op.batch_alter_table("article_revision") as change:
        for name in TEXTS:
            change.drop_column(name)
    for name in INDEXES:
        op.drop_index(name, "article")
    with op.batch_alter_table("article") as change:
        for name, table in PEOPLE.items():
            change.drop_constraint(op.f(f"fk_article_{name}_{table}"), type_="foreignkey")
        for name in (*TEXTS, *WORDS, *PEOPLE, *MOMENTS, "source_version", "health"):
            change.drop_column(name)


def _structure_articles() -> None:
    with op.batch_alter_table("article") as change:
        for name in TEXTS:
            change.add_column(sa.Column(name, sa.String(), nullable=False, server_default=""))
        for name, value in WORDS.items():
            change.add_column(sa.Column(name, sa.String(), nullable=False, server_default=value))
        for name in PEOPLE:
            change.add_column(sa.Column(name, BIG, nullable=True))
        for name in MOMENTS:
            change.add_column(sa.Column(name, MOMENT, nullable=True))
        change.add_column(sa.Column("source_version", BIG, nullable=True))
        change.add_column(sa.Column("health", BIG, nullable=False, server_default="50"))
        for name, table in PEOPLE.items():
            change.create_foreign_key(op.f(f"fk_article_{name}_{table}"), table, [name], ["id"])
    with op.batch_alter_table("article") as change:
        for name in (*TEXTS, *WORDS, "health"):
            change.alter_column(name, server_default=None)
    op.execute("UPDATE article SET confidence = 'validated' WHERE state = 'published'")
    op.execute("UPDATE article SET confidence = 'not_validated' WHERE state = 'archived'")
    for name, columns in INDEXES.items():
        op.create_index(name, "article", columns)


def _follow_searches() -> None:
    with op.batch_alter_table("search_log") as change:
        change.add_column(sa.Column("visit", sa.String(), nullable=False, server_default=""))
        change.add_column(sa.Column("opened_id", BIG, nullable=True))
        change.add_column(sa.Column("helped", sa.Boolean(), nullable=False, server_default=sa.false()))
        change.add_column(sa.Column("asked_at", MOMENT, nullable=True))
        change.create_foreign_key(op.f("fk_search_log_opened_id_article"), "article", ["opened_id"], ["id"])
    with op.batch_alter_table("search_log") as change:
        change.alter_column("visit", server_default=None)
        change.alter_column("helped", server_default=None)
    op.create_index("ix_search_log_visit", "search_log", ["visit", "id"])


def _make_tables() -> None:
    _make(
        "article_flag",
        {"article_id": "article", "agent_id": "agent", "ticket_id": "ticket", "closed_by_id": "agent"},
        ("article_id",),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("reason", "note")),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("closed_at", MOMENT, nullable=True),
    )
    op.create_index("ix_article_flag_article", "article_flag", ["article_id", "id"])
    op.create_index("ix_article_flag_open", "article_flag", ["at", "id"], sqlite_where=OPEN, postgresql_where=OPEN)
    _make(
        "article_vote",
        {"article_id": "article"},
        ("article_id",),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("helpful", sa.Boolean(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("reason", "note")),
    )
    op.create_index("ix_article_vote_article", "article_vote", ["article_id", "id"])
    _make(
        "equal_words",
        {"author_id": "agent"},
        (),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
    )
    _make(
        "knowledge_gap",
        {"owner_id": "agent", "article_id": "article"},
        (),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("kind", "topic", "category", "lang")),
        *(sa.Column(name, BIG, nullable=False) for name in ("seen", "answered")),
        sa.Column("ticket_ids", sa.JSON(), nullable=False),
        *(sa.Column(name, MOMENT, nullable=name == "closed_at") for name in ("found_at", "updated_at", "closed_at")),
    )
    op.create_index(
        "uq_knowledge_gap_open",
        "knowledge_gap",
        ["kind", "category", "topic"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.create_index("ix_knowledge_gap_closed", "knowledge_gap", ["closed_at", "id"])


def _make(name: str, nouns: dict[str, str], needed: tuple[str, ...], *columns: sa.Column) -> None:
    op.create_table(
        name,
        sa.Column("id", BIG, nullable=False),
        *(sa.Column(noun, BIG, nullable=noun not in needed) for noun in nouns),
        *columns,
        *(
            sa.ForeignKeyConstraint([noun], [f"{table}.id"], name=op.f(f"fk_{name}_{noun}_{table}"))
            for noun, table in nouns.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )
