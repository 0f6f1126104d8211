"""Fills an empty desk with a small company, once: its people, customers, articles, and the weeks that lie behind it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlalchemy import select, update

from desk.actions.articles.articles import publish
from desk.actions.complaints import alarms, alerts
from desk.actions.people.agents import add_agent, set_skill
from desk.actions.people.customers import add_contact_point, identify, set_tier
from desk.actions.surveys.surveys import RECOVER_TIMER, REMIND_TIMER, SEND_TIMER
from desk.demo.article_papers import papers
from desk.demo.at_hand import put_at_hand
from desk.demo.canned import add_canned
from desk.demo.past import DAYS, play_past
from desk.demo.people import COLLEAGUES, COMPANY, patrons
from desk.demo.settings import set_hours, set_queues, set_telephone
from desk.events import SYSTEM
from desk.files import FileStore
from desk.installation import Installation
from desk.models import Complaint, Setting, Team, Timer
from desk.store import Tx
from knowledge.front_matter import read_markdown_article

PASSWORD = "try-the-desk"  # noqa: S105 - printed at every start: the demo has no secrets
SEEDED = "demo_seeded"
ARTICLES = Path(__file__).parent / "content" / "articles"


def logins() -> list[tuple[str, str]]:
    """Who can sign in, and as what; everybody has the same password."""
    return [(colleague.email, colleague.what) for colleague in COLLEAGUES]


def ensure_demo(desk: Installation) -> bool:
    """Seed the demo unless it has been; returns whether it was done now. All of it is in, or none."""
    with desk.store.read() as reading:
        if reading.get(Setting, SEEDED) is not None:
            return False
    with desk.store.tx(SYSTEM) as tx:
        if tx.session.get(Setting, SEEDED) is not None:
            return False
        tx.session.merge(Setting(key="company", value=COMPANY))
        now, tx.now = tx.now, tx.now - timedelta(days=DAYS + 14)
        _add_colleagues(tx)
        _add_articles(tx, desk.files)
        _add_patrons(tx)
        set_hours(tx)
        tx.now = now
        play_past(tx)
        set_queues(tx)
        set_telephone(tx)
        add_canned(tx)
        put_at_hand(tx)
        tx.session.add(Setting(key=SEEDED, value={"at": tx.now.isoformat()}))
        _settle_timers(tx)
        tx.emit("demo.seeded")
    return True


def _settle_timers(tx: Tx) -> None:
    """What was played alerts and alarms once, as of now; question sheets of past nights are not sent any more."""
    alerts.find_alerts(tx)
    kinds = (alerts.LOOK_TIMER, alarms.ALARM_TIMER, alarms.LEVEL_TIMER, SEND_TIMER, REMIND_TIMER, RECOVER_TIMER)
    done = update(Timer).where(Timer.kind.in_(kinds), Timer.done_at.is_(None))
    tx.session.execute(done.where(Timer.due_at <= tx.now).values(done_at=tx.now))
    for complaint in tx.session.scalars(select(Complaint).order_by(Complaint.id)).all():
        alarms.ring(tx, complaint)


def _add_colleagues(tx: Tx) -> None:
    teams = {team.key: team for team in tx.session.scalars(select(Team))}
    for each in COLLEAGUES:
        agent = add_agent(
            tx,
            email=each.email,
            name=each.name,
            password=PASSWORD,
            roles=list(each.roles),
            team=teams.get(each.team),
            locale=each.locale,
        )
        for skill, level in each.skills.items():
            set_skill(tx, agent, skill, level)


def _add_patrons(tx: Tx) -> None:
    for each in patrons():
        tx.now -= timedelta(days=11, hours=5)  # they have come one after the other
        customer = identify(tx, "phone", each.phone, name=each.name, locale=each.locale, verified=True)
        add_contact_point(tx, customer, "email", each.email, verified=True)
        set_tier(tx, customer, each.tier)


def _add_articles(tx: Tx, store: FileStore) -> None:
    for path in sorted(ARTICLES.glob("*.md")):
        publish(tx, read_markdown_article(path.read_text(encoding="utf-8")), list(papers(store, path.stem)))
