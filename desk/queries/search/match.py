"""A question in the language of each database's full text: FTS5's and PostgreSQL's. Only letters and digits get into it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, TableClause, bindparam, cast, column, func, literal_column, select, table
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import Session

from desk.db import asked_of_each
from desk.models.search import CUSTOMERS, HEADS, TICKETS
from desk.queries.search.documents import EVERY, SCOPES
from desk.queries.search.question import Question, Term

HIGH, LOW, SCOPE = "high", "low", "scope"
_NAMES = {
    TICKETS: {HIGH: "head", LOW: "body", SCOPE: "scope"},
    HEADS: {HIGH: "head", SCOPE: "scope"},
    CUSTOMERS: {HIGH: "name", LOW: "contacts"},
}
_WEIGHTS = {HIGH: "A", LOW: "D", SCOPE: "B"}
# How many of the newest rows are looked at first on PostgreSQL, and how many hits there make the way back from the end short.
# A phrase costs its index as much as all rows that have its words anywhere: for it the way back is taken earlier.
LOOKED_AT, ENOUGH = 500, 3
LOOKED_AT_FOR_PHRASE, ENOUGH_FOR_PHRASE = 2_000, 1
NEWEST = 5_000  # ids from the end that are looked at one by one: a microsecond each, where the index takes a tenth of a second


class Match:
    """Builds the condition for one table of words."""

    def __init__(self, session: Session, name: str) -> None:
        self._session = session
        self._sqlite = session.get_bind().dialect.name == "sqlite"
        self._name = name
        self._names = _NAMES[name]

    @property
    def id(self) -> ColumnElement[int]:
        """The id of the row that the words belong to."""
        return literal_column(f"{self._name}.{'rowid' if self._sqlite else 'id'}")

    @property
    def words(self) -> TableClause:
        return table(self._name, column("words"))

    def found(self, expression: str, *narrower: str) -> Select[Any]:
        """The ids of what matches, and what it is narrowed by.

        The newest of very many are found soon from the end, all of a few by the index. PostgreSQL knows too little about words to
        choose (for one that stands nowhere it reads a million rows back), so a look at the newest rows decides. What narrows is
        asked of the index only where the words alone are not rare: of a team that has every ticket it would read them all.
        """
        ids = select(self.id.label("id")).select_from(self.words)
        if self._sqlite:
            return ids.where(self.holds(self.both(expression, *narrower)))
        left = [each for each in narrower if each]
        while self._is_frequent(expression):
            if not left:
                return ids.where(self.holds(expression))
            expression = self.both(expression, left.pop(0))
        # OFFSET 0: by its index alone, and sorted before each is asked who may see it, the newest first, until there are enough;
        # + 0: never by the index of ids, which would read all rows back.
        newest = (self.id + 0).label("id")
        matching = select(newest, literal_column("words")).select_from(self.words).where(self.holds(expression))
        rare = select(self.id.label("id")).select_from(matching.order_by(newest.desc()).offset(0).subquery(self._name))
        return rare.where(self.holds(self.both(*left))) if left else rare

    def found_late(self, expression: str, before: int | None) -> Select[Any] | None:
        """The ids of what matches among the newest, those below `before`, without the index; None where that is no quicker.

        However frequent each word is, and whatever they are narrowed by: what has enough there is found in milliseconds.
        """
        if self._sqlite:
            return None
        last = self._session.scalar(select(func.max(self.id)).select_from(self.words)) if before is None else before
        late = self.id.between((last or 0) - NEWEST, last or 0)
        return select(self.id.label("id")).select_from(self.words).where(late, asked_of_each(self.holds(expression)))

    def found_among(self, expression: str, ids: Sequence[int]) -> Select[Any] | None:
        """The ids of what matches among these few, each of which is looked at; None where that is no quicker."""
        if self._sqlite:
            return None
        few = select(self.id.label("id"), literal_column("words")).select_from(self.words).where(self.id.in_(ids))
        return select(self.id.label("id")).select_from(few.offset(0).subquery(self._name)).where(self.holds(expression))

    def _is_frequent(self, expression: str) -> bool:
        is_phrase = "<->" in expression
        looked_at, enough = (LOOKED_AT_FOR_PHRASE, ENOUGH_FOR_PHRASE) if is_phrase else (LOOKED_AT, ENOUGH)
        newest = select(literal_column("words")).select_from(self.words).order_by(self.id.desc()).limit(looked_at)
        hits = select(literal_column("1")).select_from(newest.subquery(self._name)).where(self.holds(expression)).limit(enough)
        return len(self._session.execute(hits).all()) == enough

    def holds(self, expression: str) -> ColumnElement[bool]:
        asked = bindparam(None, expression)
        if self._sqlite:
            return literal_column(self._name).op("MATCH", is_comparison=True)(asked)
        return literal_column(f"{self._name}.words").op("@@", is_comparison=True)(cast(asked, TSQUERY))

    def lacks(self, ticket_id: ColumnElement[int], expression: str) -> ColumnElement[bool]:
        """That the words of this row are not found so; asked of one row after another."""
        return ~select(self.id).select_from(self.words).where(self.id == ticket_id, self.holds(expression)).exists()

    def all_of(self, terms: Sequence[Term], *places: str) -> str:
        """Every one of these terms, each in any of these places."""
        return self._joined(" AND ", " & ", (self._term(term, places) for term in terms))

    def any_of(self, terms: Sequence[Term], *places: str) -> str:
        return self._joined(" OR ", " | ", (self._term(term, places) for term in terms))

    def scoped(self, words: Iterable[str]) -> str:
        """Any of these words of the scope."""
        return self.any_of([Term(((word,),)) for word in words], SCOPE)

    def every(self) -> str:
        return self.scoped([EVERY])

    def both(self, *expressions: str) -> str:
        return self._joined(" AND ", " & ", (each for each in expressions if each))

    def either(self, *expressions: str) -> str:
        return self._joined(" OR ", " | ", expressions)

    def without(self, expression: str, unwanted: str) -> str:
        if not unwanted:
            return expression
        return f"({expression}) NOT ({unwanted})" if self._sqlite else f"({expression}) & !({unwanted})"

    def asked(self, question: Question, *places: str) -> str:
        """The words of a question in these places, without what must not be there anywhere; empty when there are no words."""
        wanted = self.all_of(question.must, *places) if question.must else ""
        unwanted = self.any_of(question.must_not, *(place for place in (HIGH, LOW) if place in self._names))
        if not wanted and (unwanted or question.has_filter):
            wanted = self.every()
        return self.without(wanted, unwanted) if wanted else ""

    def _joined(self, on_sqlite: str, on_postgresql: str, parts: Iterable[str]) -> str:
        return (on_sqlite if self._sqlite else on_postgresql).join(f"({part})" for part in parts)

    def _term(self, term: Term, places: Sequence[str]) -> str:
        ways = [(phrase, term.starts and phrase == term.phrases[-1]) for phrase in term.phrases]
        if self._sqlite:
            said = " OR ".join(f'"{" ".join(phrase)}"{" *" if starts else ""}' for phrase, starts in ways)
            return f"{{{' '.join(self._names[place] for place in places)}}} : ({said})"
        weights = "".join(_WEIGHTS[place] for place in places)
        return " | ".join(_neighbours(phrase, self._needed(phrase, weights), starts) for phrase, starts in ways)

    def _needed(self, phrase: Sequence[str], weights: str) -> str:
        """The weights, unless the words can stand nowhere else: what a word weighs PostgreSQL's index does not know.

        A scope only narrows, so that a word of it somewhere else does no harm.
        """
        if weights == _WEIGHTS[SCOPE]:
            return ""
        others = [place for place in self._names if _WEIGHTS[place] not in weights]
        may_be_scope = any(scope.startswith(phrase[-1]) or phrase[-1].startswith(scope) for scope in SCOPES)
        return weights if others != [SCOPE] or may_be_scope else ""


def _neighbours(phrase: Sequence[str], weights: str, starts: bool) -> str:
    *before, last = phrase
    words = [*(_weighed(word, weights) for word in before), _weighed(last, f"{'*' if starts else ''}{weights}")]
    return f"({' <-> '.join(words)})"


def _weighed(word: str, how: str) -> str:
    return f"'{word}':{how}" if how else f"'{word}'"
