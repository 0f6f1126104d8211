"""The process is killed while an agent is being asked: afterwards nobody is asked for ever, and loads still add up."""

from __future__ import annotations

import smtplib

import pytest
import requests
from sqlalchemy import select

from desk.actions.work import work_items
from desk.clock import Clock
from desk.models import Offer, SpooledMail, WorkItem
from tests.desk.house import House
from tests.faults.child import Child
from tests.faults.test_killed_while_mail_comes_in import mail


@pytest.mark.parametrize("answered", [False, True])
def test_no_offer_without_a_live_deadline_is_left_and_every_load_is_a_recount(tmp_path, answered):
    with Child(tmp_path) as child:
        child.start()
        house = House(f"sqlite:///{tmp_path}/desk.db", tmp_path, Clock())
        # Somebody who answers the phone at the very door of the database: present by a row, without a screen.
        house.agent("Maya", **{"lang:en": 5, "lang:zh": 5})
        with smtplib.SMTP("127.0.0.1", child.smtp_port, timeout=60) as smtp:
            for number in range(3):
                smtp.send_message(mail(number))
        offer = wait_for_offer(house)
        if answered:
            with house.tx() as tx:
                work_items.accept(tx, offer.id)
        child.kill()
        assert house.again(offer).state == ("accepted" if answered else "offered")
        child.start()
        assert house.faults_in_load() == []
        assert house.one(select(Offer).where(Offer.state == "offered", Offer.deadline <= house.clock.now())) is None
        assert house.again(offer).state == ("accepted" if answered else "rescinded")
        assert len(house.all(select(WorkItem).where(WorkItem.state == "waiting"))) == (2 if answered else 3)
        assert requests.get(f"{child.url}/readyz", timeout=60).json()["parts"]["router"]
        house.close()


def wait_for_offer(house: House) -> Offer:
    """The router works in another process; ask its database until it has decided and all mail is read."""
    end = house.clock.monotonic() + 60
    while house.clock.monotonic() < end:
        offer = house.one(select(Offer).where(Offer.state == "offered"))
        if offer is not None and not house.all(select(SpooledMail.id)):
            return offer
    raise AssertionError("nobody was asked")
