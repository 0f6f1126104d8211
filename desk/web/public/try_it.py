"""The page for a newcomer to the demo: sign in as anyone, be a customer by phone, chat, form and mail, switch traffic on."""

from __future__ import annotations

from random import Random
from typing import Any

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, session, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from channels.message import Contact, SendFailed
from channels.voice.simulated.carrier import SimulatedCarrier
from desk.actions.people import sessions
from desk.demo.people import COLLEAGUES, Patron, patrons
from desk.demo.post import send_mail
from desk.demo.seed import PASSWORD
from desk.demo.stories import stories
from desk.demo.traffic import TrafficSwitch
from desk.errors import Invalid, NotFound
from desk.events import SYSTEM
from desk.http.context import installation, writing
from desk.http.guard import public
from desk.http.problems import say
from desk.web.public.rate import limit
from desk.web.public.reader import language

pages = Blueprint("try_it", __name__)
# Signing in or out in another tab ends the tokens of this page's forms. They act for nobody in particular and only in the demo,
# where everybody may do what they do, so they go without.
pages.record(lambda setup: setup.app.extensions["csrf"].exempt(pages))

STRANGER = "+447700900999"
RATES = (20, 60, 120, 240)
MOST_TEXT = 20_000
DELAYS = {"0.0": 0.0, "0.5": 0.5, "2.0": 2.0, "5.0": 5.0}
LOSS, OFTEN = 0.1, 0.33


@pages.get("/try")
@public
def page() -> str:
    _demo_only()
    return _page(_suggested(language()), {})


@pages.post("/try/sign-in/<key>")
@public
def sign_in(key: str) -> Response:
    """Sign in as this colleague with the password that the page shows anyway."""
    _demo_only()
    colleague = next((each for each in COLLEAGUES if each.key == key), None)
    if colleague is None:
        raise NotFound("There is nobody of this name here.")
    browser = request.headers.get("User-Agent", "")
    with writing(SYSTEM) as tx:
        outcome = sessions.attempt(tx, colleague.email, PASSWORD, address=request.remote_addr or "", browser=browser)
    if not isinstance(outcome, tuple):
        flash(say(outcome), "late")
        return redirect(url_for("try_it.page"))
    token, agent = outcome
    kept = {name: session[name] for name in ("locale", "csrf_token") if name in session}
    session.clear()  # a session from before signing in must not live on; the try page stays open beside it, though
    session.update({"locale": agent.locale, **kept, "token": token})
    return redirect(url_for("sign_in.form"))  # which leads whoever is signed in to their first page


@pages.post("/try/mail")
@public
def mail() -> Response | tuple[str, int]:
    """Send a mail by SMTP in the name of a customer."""
    _demo_only()
    limit("try mail", "60 per 10 minutes")
    filled = {name: request.form.get(name, "").strip() for name in ("sender", "subject", "text")}
    sender = next((patron for patron in patrons() if patron.email == filled["sender"]), None)
    errors = {}
    if sender is None:
        errors["sender"] = gettext("Choose who writes.")
    if not filled["text"]:
        errors["text"] = gettext("Please write something before sending.")
    elif len(filled["text"]) > MOST_TEXT:
        errors["text"] = gettext("This text is too long.")
    if sender is None or errors:
        return _page(filled, errors), 422
    try:
        desk = installation()
        send_mail(
            desk.settings, Contact("email", sender.email, sender.name), filled["subject"], filled["text"], at=desk.clock.now()
        )
    except SendFailed as failure:
        return _page(filled, {"text": gettext("The mail did not leave: %(reason)s", reason=str(failure))}), 502
    flash(gettext("The mail is in. It waits for an agent as a new ticket."), "good")
    return redirect(url_for("try_it.page") + "#mail", 303)


@pages.post("/try/traffic")
@public
def traffic() -> Response:
    """Switch the traffic on at a rate, or off."""
    _demo_only()
    limit("try traffic", "30 per 10 minutes")
    if request.form.get("do") == "stop":
        _switch().stop()
        flash(gettext("No more customers come by themselves."), "info")
    else:
        rate = request.form.get("rate", type=int)
        if rate not in RATES:
            raise Invalid("Choose how many customers come in an hour.")
        _switch().start(rate)
        flash(gettext("Customers are on their way."), "good")
    return redirect(url_for("try_it.page") + "#traffic", 303)


@pages.get("/try/traffic")
@public
def traffic_now() -> str:
    """How the traffic stands, for the page to look again."""
    _demo_only()
    return render_template("try_it/_traffic.html", traffic=_switch().state(), rates=RATES)


@pages.post("/try/network")
@public
def network() -> str | Response:
    """Make the built-in carrier's network bad or good, to see that calls survive it."""
    _demo_only()
    limit("try network", "60 per 10 minutes")
    carrier = installation().carrier
    if not isinstance(carrier, SimulatedCarrier):
        raise NotFound("There is no such page.")
    chosen = request.form
    if chosen.get("do") == "mend":
        carrier.set_faults(latency_s=0.0, loss=0.0, duplicate=0.0, reorder=0.0, outage=False)
    else:
        carrier.set_faults(
            latency_s=DELAYS.get(chosen.get("latency_s", ""), 0.0),
            loss=LOSS if "loss" in chosen else 0.0,
            duplicate=OFTEN if "duplicate" in chosen else 0.0,
            reorder=OFTEN if "reorder" in chosen else 0.0,
            outage="outage" in chosen,
        )
    if request.headers.get("HX-Request"):
        return render_template("try_it/_network.html", **_network())
    return redirect(url_for("try_it.page") + "#network", 303)


def _network() -> dict[str, Any]:
    """What goes wrong on purpose now, and what may be chosen."""
    carrier = installation().carrier
    faults = carrier.faults if isinstance(carrier, SimulatedCarrier) else None
    names = {0.0: gettext("not at all"), 0.5: gettext("half a second"), 2.0: gettext("two seconds"), 5.0: gettext("five seconds")}
    return {"faults": faults, "delays": [(word, names[seconds]) for word, seconds in DELAYS.items()]}


def _page(filled: dict[str, str], errors: dict[str, str]) -> str:
    zh = language() == "zh"
    return render_template(
        "try_it/page.html",
        colleagues=[(each, each.what_zh if zh else each.what) for each in COLLEAGUES],
        password=PASSWORD,
        numbers=_numbers(),
        senders=[(each.email, f"{each.name} · {each.email}") for each in _writers()],
        filled=filled,
        errors=errors,
        traffic=_switch().state(),
        rates=RATES,
        mail_from=installation().settings.mail_from,
        smtp_port=installation().settings.smtp_port,
        has_phone=not installation().settings.has_twilio,
        has_mailbox=not installation().settings.mail_relay,
        **_network(),
    )


def _numbers() -> list[dict[str, str]]:
    """The telephones to call from: valued and ordinary customers of either language, and one that nobody knows."""
    chosen = [_first("zh", "vip"), _first("zh", "standard"), _first("en", "vip"), _first("en", "standard")]
    known = [
        {"number": each.phone, "label": f"{each.name} ({each.tier.upper()})" if each.tier == "vip" else each.name}
        for each in chosen
    ]
    return [*known, {"number": STRANGER, "label": gettext("Unknown number")}]


def _writers() -> list[Patron]:
    return [patron for locale in ("zh", "en") for patron in patrons() if patron.locale == locale][::5]


def _first(locale: str, tier: str) -> Patron:
    return next(patron for patron in patrons() if (patron.locale, patron.tier) == (locale, tier))


def _suggested(locale: str) -> dict[str, str]:
    """A mail to begin with: somebody's matter, another one each time."""
    chance = Random()
    patron = chance.choice([each for each in _writers() if each.locale == locale])
    story = chance.choice(stories("stories", locale)).told(patron.name, chance)
    return {"sender": patron.email, "subject": story.subject, "text": story.text}


def _switch() -> TrafficSwitch:
    desk = installation()
    return current_app.extensions.setdefault("traffic", TrafficSwitch(desk.settings, desk.clock))


def _demo_only() -> None:
    if not installation().settings.demo:
        abort(404)
