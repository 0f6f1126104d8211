"""How a matter runs from the first word to the end: by mail, by phone, in a chat, as a complaint. Each is a plot of the stage."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import select

from channels.form import ComplaintForm, to_inbound
from channels.message import Contact, Inbound
from channels.voice.events import CallEvent, ConferenceEvent
from desk.actions import intake
from desk.actions.articles import articles
from desk.actions.calls import arrival, calls, legs
from desk.actions.calls.legs import Party
from desk.actions.chats import chats
from desk.actions.complaints import complaints, decisions, file
from desk.actions.people import customers
from desk.actions.surveys import follow_ups, surveys
from desk.actions.tickets import solving, tickets
from desk.actions.timers import clear_timer
from desk.actions.work import work_items
from desk.demo.phrases import CALL_NOTES, CHATTING, COMMENTS, DECIDING, FOLLOWED_UP, HUNG_UP, NOTES, THANKS
from desk.demo.settings import LINE
from desk.demo.stage import Plot, Stage, actor_of
from desk.demo.stories import Story
from desk.models import Agent, Article, Call, Complaint, Customer, FollowUp, Survey, Ticket, WorkItem
from desk.models.call import AGENT
from desk.models.complaint import ASSESSED, INVESTIGATING
from desk.models.ticket import LIVE, PENDING_CUSTOMER, PENDING_INTERNAL, SOLVED
from desk.models.work_item import ACTIVE, OFFERED, WAITING
from routing.order import LIVE_CHANNELS

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
QUEUES = {"billing": "billing", "technical": "technical", "delivery": "delivery"}
KEYS = {"billing": "1", "technical": "2"}
SCORES = ((5, 52), (4, 28), (3, 9), (2, 6), (1, 5))
# Chinese tags of articles that name a category; the English ones are its very name.
TOPICS = {"账单": "billing", "技术": "technical", "配送": "delivery"}


def by_mail(stage: Stage, customer: Customer, story: Story) -> Plot:
    """The customer writes, is answered, often asks or thanks once more, and is asked how it was."""
    chance = stage.chance
    ticket = write(stage, customer, story)
    agent = yield from _take(stage, ticket, (4 * MINUTE, 50 * MINUTE))
    if agent is None:
        return
    yield chance.uniform(1.5, 9) * MINUTE
    _look_up(stage, ticket, agent, story)
    yield chance.uniform(0.5, 4) * MINUTE
    tickets.reply(stage.acting(actor_of(agent)), ticket, agent, story.answer, channel="email")
    if chance.random() < 0.4:
        tickets.set_pending(stage.acting(actor_of(agent)), ticket, PENDING_CUSTOMER)
        yield chance.uniform(1, 30) * HOUR
        _write_again(stage, customer, ticket, chance.choice(THANKS[_locale(customer)]))
        agent = yield from _take(stage, ticket, (3 * MINUTE, 40 * MINUTE))
        if agent is None:
            return
        yield chance.uniform(1, 3) * MINUTE
    yield from _settle(stage, ticket, agent, story, "solved" if chance.random() < 0.7 else "information_given")


def unanswered_mail(stage: Stage, customer: Customer, story: Story) -> Plot:
    """A mail that nobody has taken yet."""
    write(stage, customer, story)
    yield from ()


def waiting_mail(stage: Stage, customer: Customer, story: Story) -> Plot:
    """The customer has been asked something and has not answered yet."""
    ticket = write(stage, customer, story)
    agent = yield from _take(stage, ticket, (5 * MINUTE, HOUR))
    if agent is not None:
        yield 4 * MINUTE
        tickets.reply(stage.acting(actor_of(agent)), ticket, agent, story.answer, channel="email")
        tickets.set_fields(stage.acting(actor_of(agent)), ticket, category=story.category)
        tickets.set_pending(stage.acting(actor_of(agent)), ticket, PENDING_CUSTOMER)


def unanswered_call(stage: Stage, customer: Customer, story: Story) -> Plot:
    """The customer calls, waits for longer than they can, and hangs up."""
    return by_phone(stage, customer, story, answered=False)


def by_phone(stage: Stage, customer: Customer, story: Story, *, answered: bool = True) -> Plot:
    """The customer calls, chooses from the menu, waits, is answered and is helped on the phone."""
    chance, patience = stage.chance, stage.chance.uniform(40, 280)
    sid = f"CA{chance.getrandbits(128):032x}"
    phone = customers.address_of(stage.acting(), customer, "phone")
    call = arrival.arrive(stage.acting(), CallEvent(sid, phone, LINE, "in-progress", "inbound", caller_name=customer.name))
    yield chance.uniform(4, 9)
    arrival.begin(stage.acting(), call)
    if not call.locale:
        arrival.press(stage.acting(), call, "1" if _locale(customer) == "zh" else "2")
    yield chance.uniform(3, 8)
    arrival.press(stage.acting(), call, KEYS.get(story.category, "0"))
    yield chance.uniform(5, 7)
    arrival.press(stage.acting(), call, "")  # the notice of the recording
    tx = stage.acting()
    item, ticket = tx.session.get_one(WorkItem, call.item_id), tx.session.get_one(Ticket, call.ticket_id)
    if not answered:
        yield patience
        yield from _gives_up(stage, customer, call, ticket, story)
        return
    agent = yield from _answer(stage, item, (3, 16), patience)
    if agent is None:
        yield from _gives_up(stage, customer, call, ticket, story)
        return
    calls.accepted(stage.acting(actor_of(agent)), item, agent.id)
    yield chance.uniform(1, 3)
    leg = f"CA{chance.getrandbits(128):032x}"
    legs.rings(stage.acting(), leg, Party(call.id, AGENT, f"agent-{agent.id}", agent.id))
    room = f"CF{chance.getrandbits(128):032x}"
    legs.conference_event(stage.acting(), ConferenceEvent(room, call.conference, "participant-join", leg, f"agent-{agent.id}", 2))
    yield chance.uniform(60, 240)
    if chance.random() < 0.3:
        calls.set_hold(stage.acting(actor_of(agent)), call, True)
        yield chance.uniform(20, 70)
        calls.set_hold(stage.acting(actor_of(agent)), call, False)
    yield chance.uniform(20, 160)
    calls.caller_left(stage.acting(actor_of(customer)), call)
    yield chance.uniform(15, 55)
    acting = stage.acting(actor_of(agent))
    tickets.set_fields(acting, ticket, subject=story.subject)
    calls.wrap_up(acting, call, agent, "solved", CALL_NOTES[_locale(customer)] % {"text": story.text, "end": story.end})
    yield from _settle(stage, ticket, agent, story, "solved")


def _gives_up(stage: Stage, customer: Customer, call: Call, ticket: Ticket, story: Story) -> Plot:
    """The caller hangs up unanswered; later somebody looks whether there is anything to do about it."""
    calls.caller_left(stage.acting(actor_of(customer)), call)
    yield stage.chance.uniform(2, 9) * HOUR
    agent = stage.chance.choice(stage.agents)
    ended = HUNG_UP[_locale(customer)]
    acting = stage.acting(actor_of(agent))
    solving.solve(acting, ticket, agent, category=story.category, wrap_up_code="dropped", resolution=ended)
    yield from _close(stage, ticket)


def in_chat(stage: Stage, customer: Customer, story: Story) -> Plot:
    """The customer chats on the shop's page and rates the chat afterwards."""
    chance, patience, locale = stage.chance, stage.chance.uniform(60, 300), _locale(customer)
    visitor = actor_of(customer)
    filled = {
        "client_id": f"{chance.getrandbits(64):016x}",
        "name": customer.name,
        "email": customers.address_of(stage.acting(), customer, "email"),
        "topic": story.category if story.category in ("billing", "technical", "delivery", "product") else "other",
        "text": story.text,
        "locale": locale,
        "page_url": "https://shop.lakelight.example/",
    }
    if chats.reception(stage.acting(), filled["topic"], locale).state != "open":
        return
    chat, _ = chats.open_chat(stage.acting(visitor), filled, token=stage.browser_of(customer))
    tx = stage.acting()
    item, ticket = tx.session.get_one(WorkItem, chat.item_id), tx.session.get_one(Ticket, chat.ticket_id)
    tickets.set_fields(tx, ticket, subject=story.subject)
    agent = yield from _answer(stage, item, (4, 18), patience)
    if agent is None:
        chats.end_chat(stage.acting(visitor), chat, "customer")
        return
    chats.chat_accepted(stage.acting(actor_of(agent)), item, agent)
    hello, wait, thanks = chance.choice(CHATTING[locale])
    for who, text in (("us", hello), ("them", wait), ("us", story.answer), ("them", thanks)):
        yield chance.uniform(15, 75)
        client_id = f"{chance.getrandbits(64):016x}"
        if who == "us":
            chats.agent_says(stage.acting(actor_of(agent)), chat, agent, client_id, text)
        else:
            chats.visitor_says(stage.acting(visitor), chat, client_id, text)
    chats.visitor_got(stage.acting(visitor), chat, 2**52)
    yield chance.uniform(5, 40)
    chats.end_chat(stage.acting(visitor), chat, "customer")
    yield chance.uniform(5, 25)
    if chance.random() < 0.5:
        chats.rate_chat(stage.acting(visitor), chat, _score(stage))
        yield 20
    if follow_ups_open(stage, ticket):
        yield from _follow_up(stage, ticket)
    yield from _settle(stage, ticket, agent, story, "solved", survey=chat.rating is None)


def complaint(stage: Stage, customer: Customer, story: Story, stages: int) -> Plot:
    """A complaint by form. `stages`: 0 only received, 1 assessed, 2 under investigation, 3 decided, 4 asked and closed."""
    chance = stage.chance
    acting = stage.acting(actor_of(customer))
    form = ComplaintForm(
        token=f"{chance.getrandbits(64):016x}",
        name=customer.name,
        email=customers.address_of(acting, customer, "email"),
        phone=customers.address_of(acting, customer, "phone"),
        statement=story.text,
        remedy_wanted=story.wish,
        product=story.subject,
        category=story.category,
        locale=_locale(customer),
    )
    case = complaints.file_complaint(acting, to_inbound(form), form)
    ticket = acting.session.get_one(Ticket, case.ticket_id)
    colon = "：" if ticket.locale == "zh" else ": "
    tickets.set_fields(stage.acting(), ticket, subject=f"{story.subject}{colon}{story.text.splitlines()[0][:60]}")
    if stages == 0:
        return
    agent = yield from _take(stage, ticket, (10 * MINUTE, 3 * HOUR))
    if agent is None:
        return
    yield 12 * MINUTE
    officer = actor_of(agent)
    severity = 1 if story.category == "privacy" else chance.choice((2, 3, 3))
    complaints.advance(stage.acting(officer), case, ASSESSED, agent=agent, category=story.category, severity=severity)
    if stages >= 2:
        yield 9 * MINUTE
        complaints.advance(stage.acting(officer), case, INVESTIGATING, agent=agent)
        tickets.note(stage.acting(officer), ticket, agent, chance.choice(NOTES[agent.locale]["complaint"]))
    tickets.set_pending(stage.acting(officer), ticket, PENDING_INTERNAL)
    if stages < 3:
        return
    if stages == 3:
        # Lately, so that the day to ask the customer again is still to come.
        yield max(HOUR, (stage.ends - stage.now).total_seconds() - chance.uniform(0.5, 2) * DAY)
    else:
        yield chance.uniform(2, 6) * DAY
    _decide(stage, case, agent, story)
    if stages < 4:
        return
    yield 5 * DAY
    clear_timer(stage.acting(), "complaint.follow_up", str(case.id))
    complaints.follow_up_due(stage.acting(), case)
    yield from _follow_up(stage, ticket)
    yield complaints.REOPEN_WITHIN.total_seconds()
    clear_timer(stage.acting(), complaints.ARCHIVE_TIMER, str(case.id))
    complaints.archive_due(stage.acting(), case)


def _decide(stage: Stage, case: Complaint, agent: Agent, story: Story) -> None:
    """Findings, a cause, the letter; somebody else agrees where that is needed."""
    acting = stage.acting(actor_of(agent))
    words = DECIDING["zh" if acting.session.get_one(Ticket, case.ticket_id).locale == "zh" else "en"]
    fault = story.end in decisions.AT_FAULT
    for point in file.allegations_of(acting, case):
        file.record_finding(acting, case, point.id, "proven" if fault else "not_proven", words["found"])
    file.set_cause(acting, case, "process_not_followed" if fault else "information", words["whys"])
    decisions.draft(
        acting,
        case,
        agent,
        outcome=story.end,
        looked_into=words["looked_into"],
        reasons=story.answer,
        apology=words["apology"] if fault else "",
    )
    if not decisions.needs_approval(acting, case):
        decisions.send(acting, case, agent)
        return
    decisions.submit(acting, case, agent)
    others = select(Agent).where(Agent.active.is_(True), Agent.id != agent.id).order_by(Agent.id)
    judge = next(each for each in acting.session.scalars(others) if "supervisor" in each.roles)
    decisions.approve(stage.acting(actor_of(judge)), case, judge)


def write(stage: Stage, customer: Customer, story: Story) -> Ticket:
    """A mail of the customer, taken in as any other."""
    acting = stage.acting(actor_of(customer))
    address = customers.address_of(acting, customer, "email")
    message_id = f"{stage.chance.getrandbits(96):024x}@{address.rpartition('@')[2]}"
    inbound = Inbound(
        channel="email",
        external_id=message_id,
        message_id=message_id,
        sender=Contact("email", address, customer.name),
        subject=story.subject,
        text=story.text,
        locale=_locale(customer),
        to=(Contact("email", acting.settings.mail_from),),
    )
    return intake.receive(acting, inbound, queue_key=QUEUES.get(story.category, "general")).ticket


def _write_again(stage: Stage, customer: Customer, ticket: Ticket, text: str) -> None:
    acting = stage.acting(actor_of(customer))
    address = customers.address_of(acting, customer, "email")
    message_id = f"{stage.chance.getrandbits(96):024x}@{address.rpartition('@')[2]}"
    inbound = Inbound(
        channel="email",
        external_id=message_id,
        message_id=message_id,
        sender=Contact("email", address, customer.name),
        subject=f"Re: {ticket.subject} [#{ticket.number}]",
        text=text,
        locale=_locale(customer),
    )
    intake.receive(acting, inbound, ticket_number=ticket.number)


def _take(stage: Stage, ticket: Ticket, within: tuple[float, float]) -> Iterator[float]:
    """Somebody takes the ticket's waiting work, sooner or later. None when it went another way."""
    yield stage.chance.uniform(*within)
    yield stage.until_morning()
    while True:
        item = work_items.open_item(stage.acting(), ticket.id, tickets.TICKET_WORK)
        if item is None or item.state != WAITING or ticket.status not in LIVE:
            return None
        agent = yield from _answer(stage, item, (3, 14), 0)
        if agent is not None:
            if ticket.owner_id is None:
                tickets.assign(stage.acting(actor_of(agent)), ticket, agent.id)
            return agent
        yield 10 * MINUTE


def _answer(stage: Stage, item: WorkItem, within: tuple[float, float], patience: float) -> Iterator[float]:
    """The item is offered as soon as somebody is free and accepted some seconds later; None when patience ends first."""
    waited = 0.0
    # Now and then everybody is busy, which these few colleagues are not enough to show by themselves.
    busy = item.channel in LIVE_CHANNELS and stage.chance.random() < 0.2
    yield stage.chance.uniform(12, 80) if busy else stage.chance.uniform(0.05, 3)
    while item.state == WAITING:
        agent = stage.give(item)
        if agent is not None:
            yield stage.chance.uniform(*within)
            stage.acting().session.refresh(item)
            if item.state == OFFERED and item.agent_id == agent.id:
                stage.accepted(item, agent)
            return agent if item.state == ACTIVE else None
        if waited >= patience:
            return None
        waited += 10
        yield 10
    return None


def _look_up(stage: Stage, ticket: Ticket, agent: Agent, story: Story) -> None:
    """What agents do before they answer: say what it is about, note something for colleagues, look into an article."""
    chance, acting = stage.chance, stage.acting(actor_of(agent))
    tickets.set_fields(acting, ticket, category=story.category)
    notes = NOTES[agent.locale].get(story.category)
    if notes and chance.random() < 0.45:
        tickets.note(acting, ticket, agent, chance.choice(notes))
    if chance.random() < 0.3:
        query = select(Article.id, Article.tags).where(Article.lang == ticket.locale, Article.audience == "public")
        related = [id for id, tags in acting.session.execute(query.order_by(Article.id)) if story.category in _topics(tags)]
        if related:
            articles.link(acting, ticket, acting.session.get_one(Article, chance.choice(related)), agent.id)


def _topics(tags: list[str]) -> set[str]:
    return {TOPICS.get(tag, tag) for tag in tags}


def _settle(stage: Stage, ticket: Ticket, agent: Agent, story: Story, code: str, *, survey: bool = True) -> Iterator[float]:
    """Solved, asked how it was, and closed after five quiet days."""
    chance = stage.chance
    if ticket.status not in LIVE or follow_ups_open(stage, ticket):
        return
    yield 20
    solving.solve(stage.acting(actor_of(agent)), ticket, agent, category=story.category, wrap_up_code=code, resolution=story.end)
    if survey and chance.random() < 0.55:
        yield chance.uniform(0.3, 30) * HOUR
        _answer_survey(stage, ticket)
    if follow_ups_open(stage, ticket):
        yield from _follow_up(stage, ticket)
    yield from _close(stage, ticket)


def _close(stage: Stage, ticket: Ticket) -> Plot:
    """Five quiet days, and the ticket is closed."""
    if ticket.status != SOLVED or ticket.solved_at is None:
        return
    yield (ticket.solved_at + solving.QUIET - stage.now + timedelta(minutes=1)).total_seconds()
    if solving.close_quiet(stage.acting(), ticket):
        clear_timer(stage.acting(), "ticket.close", str(ticket.id))


def _answer_survey(stage: Stage, ticket: Ticket) -> None:
    acting = stage.acting()
    sheet = acting.session.scalar(select(Survey).where(Survey.ticket_id == ticket.id).order_by(Survey.id.desc()).limit(1))
    if sheet is None:
        return
    score = _score(stage)
    customer = acting.session.get_one(Customer, ticket.customer_id)
    comment = stage.chance.choice(COMMENTS[_locale(customer)][score]) if stage.chance.random() < 0.5 else ""
    surveys.answer_survey(stage.acting(actor_of(customer)), sheet, score, score > 2, comment)


def follow_ups_open(stage: Stage, ticket: Ticket) -> bool:
    """Whether somebody is still to ask this customer again."""
    query = select(FollowUp.id).where(FollowUp.ticket_id == ticket.id, FollowUp.state == "open")
    return stage.acting().session.scalar(query.limit(1)) is not None


def _follow_up(stage: Stage, ticket: Ticket) -> Iterator[float]:
    """A colleague asks the customer again, some hours later, and finds them content."""
    yield stage.chance.uniform(3, 20) * HOUR
    yield stage.until_morning()
    query = select(FollowUp).where(FollowUp.ticket_id == ticket.id, FollowUp.state == "open")
    follow_up = stage.acting().session.scalar(query.limit(1))
    item = stage.acting().session.get(WorkItem, follow_up.item_id) if follow_up and follow_up.item_id else None
    if follow_up is None or item is None:
        return
    agent = yield from _answer(stage, item, (5, 15), 2 * HOUR)
    if agent is None:
        return
    yield 6 * MINUTE
    note = stage.chance.choice(FOLLOWED_UP[agent.locale])
    follow_ups.record(stage.acting(actor_of(agent)), follow_up, agent, "satisfied", note)
    again = work_items.open_item(stage.acting(), ticket.id, tickets.TICKET_WORK)
    if again is None or ticket.status not in LIVE:
        return
    agent = yield from _take(stage, ticket, (MINUTE, 5 * MINUTE))
    if agent is not None:
        yield 3 * MINUTE
        solving.solve(
            stage.acting(actor_of(agent)),
            ticket,
            agent,
            category=ticket.category,
            wrap_up_code="follow_up",
            resolution=note,
        )


def _score(stage: Stage) -> int:
    scores, weights = zip(*SCORES, strict=True)
    return stage.chance.choices(scores, weights)[0]


def _locale(customer: Customer) -> str:
    return "zh" if customer.locale == "zh" else "en"
