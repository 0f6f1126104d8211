"""While the database is away every door says so, nothing is half done, and all is well again when it is back."""

from __future__ import annotations

import smtplib
from contextlib import contextmanager
from email.message import EmailMessage

import psycopg
import pytest
import requests
from sqlalchemy import select
from sqlalchemy.engine import make_url

from desk.events import SYSTEM
from desk.models import Message, Offer, Ticket
from tests.services.postgres import new_database
from tests.world import running, settings_for

PAGES = ("/", "/login", "/desk", "/complaints/new", "/api/v1/tickets")


@pytest.fixture
def world(tmp_path, postgres_server):
    with new_database(postgres_server) as url, running(settings_for(tmp_path, DESK_DATABASE_URL=url)) as world:
        yield world


@contextmanager
def away(world, postgres_server):
    """Nobody may connect to the database, and whoever was connected is thrown out."""
    name = make_url(world.desk.settings.database_url).database
    address = postgres_server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        try:
            yield
        finally:
            connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


def mail(number: int) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "li.na@customers.example", "support@desk.example", "Help"
    message["Message-ID"] = f"<{number}@customers.example>"
    message.set_content("My router is dead.")
    return message


def test_while_the_database_is_away_pages_answer_503_and_mail_451_and_then_all_is_well(world, postgres_server):
    maya = world.agent()
    console = world.browser(maya.email)
    with world.tx() as tx:
        tx.emit("setting.changed")  # what pages remember of the settings is to be read anew
    with away(world, postgres_server):
        for path in PAGES:
            answer = console.get(path, headers={"Authorization": "Bearer x"} if path.startswith("/api") else {})
            assert answer.status_code == 503, path
            assert "Traceback" not in answer.text
            assert int(answer.headers["Retry-After"]) > 0
        assert requests.get(world.url + "/healthz", timeout=60).status_code == 200
        ready = requests.get(world.url + "/readyz", timeout=60)
        assert ready.status_code == 503
        assert ready.json()["parts"]["database"] is False
        with smtplib.SMTP("127.0.0.1", world.background.mail.port, timeout=60) as smtp:
            with pytest.raises(smtplib.SMTPDataError) as refused:
                smtp.send_message(mail(1))
            assert refused.value.smtp_code == 451
    with smtplib.SMTP("127.0.0.1", world.background.mail.port, timeout=60) as smtp:
        smtp.send_message(mail(1))
    world.all_read()
    assert [row.mail_message_id for row in world.all(select(Message))] == ["1@customers.example"]
    assert console.get("/desk").status_code == 200
    world.until(lambda: requests.get(world.url + "/readyz", timeout=60).status_code == 200)


def test_the_background_goes_on_when_the_database_is_back(world, postgres_server):
    with away(world, postgres_server):
        world.background.parts["router"].wake()
        world.background.parts["timers"].wake()
    maya = world.agent(available=True)
    world.send("Help.")
    ticket = world.until(world.ticket)
    assert world.until(lambda: world.one(select(Offer).where(Offer.agent_id == maya.id)))
    assert ticket.id == world.one(select(Ticket.id))
    with world.desk.store.tx(SYSTEM) as tx:
        tx.emit("test.written")
