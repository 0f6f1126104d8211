"""A question in the language of each database's full text: FTS5's and PostgreSQL's. Only letters and digits get into it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, TableClause, column, literal_column, select, table, text
from sqlalchemy.orm import Session

from desk.models.search import CUSTOMERS, TICKETS
from desk.queries.search_documents import EVERY
from desk.queries.search_question import Question, Term

HIGH, LOW, SCOPE = "high", "low", "scope"
_NAMES = {
    TICKETS: {HIGH: "head", LOW: "body", SCOPE: "scope"},
    CUSTOMERS: {HIGH: "name", LOW: "contacts"},
}
_WEIGHTS = {HIGH: "A", LOW: "D", SCOPE: "B"}


class Match:
    """Builds the condition for one table of words."""

    def __init__(self, session: Session, name: str) -> None:
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

    def found(self, expression: str) -> Select[Any]:
        """The ids of what matches."""
        return select(self.id.label("id")).select_from(self.words).where(self.holds(expression))

    def holds(self, expression: str) -> ColumnElement[bool]:
        if self._sqlite:
            return text(f"{self._name} MATCH :asked").bindparams(asked=expression)  # type: ignore[return-value]
        return text(f"{self._name}.words @@ CAST(:asked AS tsquery)").bindparams(asked=expression)  # type: ignore[return-value]

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
        unwanted = self.any_of(question.must_not, HIGH, LOW)
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
        return " | ".join(_neighbours(phrase, weights, starts) for phrase, starts in ways)


def _neighbours(phrase: Sequence[str], weights: str, starts: bool) -> str:
    *before, last = phrase
    words = [*(f"'{word}':{weights}" for word in before), f"'{last}':{'*' if starts else ''}{weights}"]
    return f"({' <-> '.join(words)})"
