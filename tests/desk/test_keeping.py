"""What has been kept long enough loses its words by night, where that is switched on; cases and what is worked on stay."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from channels.message import Contact, Inbound
from desk.actions import intake
from desk.actions.complaints import complaints
from desk.actions.privacy import keeping as letting
from desk.actions.tickets import solving
from desk.app import install
from desk.errors import Invalid, NotAllowed
from desk.models import Agent, Event, Message, Ticket
from desk.queries.privacy.keeping import keeping, report
from desk.work.keeping import KeepingJob

DAY = 24 * 3600.0


def ended(house, name: str, *, complains: bool = False) -> int:
    """A mail that was answered and closed."""
    with house.tx() as tx:
        sender = Contact("email", f"{name}@customers.example")
        mail = Inbound(channel="email", external_id=f"<{name}>", sender=sender, text=f"I am {name}.", subject=f"From {name}")
        ticket = intake.receive(tx, mail).ticket
        if complains:
            complaints.register_from_ticket(tx, ticket, "It is bad.")
        solving.finish_work(tx, ticket)
        solving.settle(tx, ticket, category="other", wrap_up_code="solved", resolution="Done.")
        solving.close(tx, ticket, reason="quiet")
    return ticket.id


def test_by_night_old_tickets_lose_their_words_and_young_ones_and_cases_stay(house):
    person = house.agent("Ada", presence="offline")
    old, case = ended(house, "anna"), ended(house, "carl", complains=True)
    house.tick(731 * DAY)
    young = ended(house, "yan")
    desk = install(house.settings, clock=house.clock)
    job = KeepingJob(desk)
    with house.tx() as tx:
        admin = tx.session.get_one(Agent, person.id)
        with pytest.raises(NotAllowed):
            letting.set_keeping(tx, admin, on=True, written=730, others=1095)
        admin.roles = ["admin"]
        assert (report(tx.session, tx.now).written, report(tx.session, tx.now).others, keeping(tx.session).on) == (1, 0, False)
    assert job.let_go_of_some() is False  # so far it is only reported
    with house.tx() as tx:
        with pytest.raises(Invalid):
            letting.set_keeping(tx, tx.session.get_one(Agent, person.id), on=True, written=3, others=1095)
        assert letting.set_keeping(tx, tx.session.get_one(Agent, person.id), on=True, written=730, others=1095)
        assert not letting.set_keeping(tx, tx.session.get_one(Agent, person.id), on=True, written=730, others=1095)
    assert job.let_go_of_some() is True
    assert job.let_go_of_some() is False
    rows = {each.id: each for each in house.all(select(Ticket).order_by(Ticket.id))}
    assert (rows[old].subject, rows[old].category, rows[old].wrap_up_code) == ("", "other", "solved")
    assert (rows[case].subject, rows[young].subject) == ("From carl", "From yan")
    assert house.one(select(Message.text).where(Message.ticket_id == old)) == ""
    assert all("erased" in each.data for each in house.all(select(Event).where(Event.ticket_id == old)))
    desk.store.engine.dispose()
    desk.knowledge.close()
