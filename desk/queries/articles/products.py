"""Which products articles are about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from desk.models import Article, ArticleProduct, Product
from knowledge.fold import fold

MOST_PRODUCTS = 500


def key_of(name: str) -> str:
    """A product's name, however somebody writes it: wide or narrow, large or small, Traditional or Simplified."""
    return " ".join(fold(name).split())


def all_products(session: Session) -> list[str]:
    """The names of the products that there are, in order."""
    return list(session.scalars(select(Product.name).order_by(Product.name).limit(MOST_PRODUCTS)))


def products_of(session: Session, article_ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """The products of each of these articles, by name; an article without any has an empty tuple."""
    found: dict[int, list[str]] = defaultdict(list)
    query = (
        select(ArticleProduct.article_id, Product.name)
        .join(Product, Product.id == ArticleProduct.product_id)
        .where(ArticleProduct.article_id.in_(article_ids))
        .order_by(Product.name)
    )
    for article_id, name in session.execute(query):
        found[article_id].append(name)
    return {article_id: tuple(found.get(article_id, ())) for article_id in article_ids}


def about(name: str) -> ColumnElement[bool]:
    """The condition on `Article` that it is about this product."""
    of_product = select(ArticleProduct.article_id).join(Product, Product.id == ArticleProduct.product_id)
    return Article.id.in_(of_product.where(Product.key == key_of(name)))
