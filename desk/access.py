"""Who may do what: roles give rights, rights are checked on the server, objects are loaded for a viewer.

The table follows the least-privilege matrix of the domain reference: an agent sees work that is theirs or their team's, a
knowledge editor no tickets at all, an admin no content, an auditor everything masked.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from sqlalchemy import ColumnElement, and_, false, func, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from desk.errors import NotAllowed, NotFound
from desk.events import Actor
from desk.models import Agent, Complaint, Customer, Erasure, Offer, Recusal, RestrictedTicket, Ticket
from desk.models.complaint import RETYPED
from desk.models.erasure import RESTRICTED
from desk.models.recusal import ABOUT
from desk.models.work_item import HOLDING, WorkItem
from desk.sentences import N_


class Right(StrEnum):
    """What a route, an action or a room may ask for."""

    SIGNED_IN = "signed_in"
    TAKE_WORK = "take_work"  # be offered work, set one's own presence
    MAKE_CALLS = "make_calls"
    READ_TICKETS = "read_tickets"  # own and own team's
    READ_ALL_TICKETS = "read_all_tickets"
    READ_COMPLAINTS = "read_complaints"
    REPLY = "reply"
    READ_CUSTOMERS = "read_customers"
    REVEAL_CONTACTS = "reveal_contacts"
    EDIT_CUSTOMERS = "edit_customers"
    REGISTER_COMPLAINT = "register_complaint"
    HANDLE_COMPLAINT = "handle_complaint"
    SUPERVISE = "supervise"  # the board; acting on others' work and presence
    LISTEN_TO_CALLS = "listen_to_calls"  # of one's own team, whisper and take them over
    READ_ARTICLES = "read_articles"
    WRITE_ARTICLES = "write_articles"
    VALIDATE_ARTICLES = "validate_articles"  # say that a colleague's is right, change what only colleagues read
    PUBLISH_ARTICLES = "publish_articles"
    READ_SETTINGS = "read_settings"  # queues, skills, calendars and channels, without changing them
    READ_POLICIES = "read_policies"  # of complaints; who handles complaints, supervises or administers may propose new ones
    SET_SKILLS = "set_skills"  # of everybody, or of one's own team
    ADMINISTER = "administer"
    READ_AUDIT = "read_audit"
    PLAY_RECORDINGS = "play_recordings"  # of one's own calls; a complaint's with the case; a supervisor all
    CLOSE_LINES = "close_lines"  # in an emergency, and open them again
    SETTLE_MAIL = "settle_mail"  # what lies in quarantine: read again, let in, put away


_STAFF = {Right.SIGNED_IN, Right.READ_ARTICLES}
_AGENT = _STAFF | {
    Right.TAKE_WORK,
    Right.MAKE_CALLS,
    Right.READ_TICKETS,
    Right.REPLY,
    Right.READ_CUSTOMERS,
    Right.REGISTER_COMPLAINT,
    Right.WRITE_ARTICLES,
    Right.PLAY_RECORDINGS,
}
_SENIOR = _AGENT | {
    Right.VALIDATE_ARTICLES,
    Right.READ_ALL_TICKETS,
    Right.REVEAL_CONTACTS,
    Right.EDIT_CUSTOMERS,
    Right.READ_COMPLAINTS,
}

ROLE_RIGHTS: dict[str, frozenset[Right]] = {
    "agent": frozenset(_AGENT),
    "senior": frozenset(_SENIOR),
    "supervisor": frozenset(
        _SENIOR
        | {
            Right.SUPERVISE,
            Right.LISTEN_TO_CALLS,
            Right.READ_AUDIT,
            Right.READ_SETTINGS,
            Right.READ_POLICIES,
            Right.SET_SKILLS,
            Right.SETTLE_MAIL,
            Right.CLOSE_LINES,
        }
    ),
    "complaint_officer": frozenset(
        _STAFF
        | {
            Right.TAKE_WORK,
            Right.MAKE_CALLS,
            Right.READ_COMPLAINTS,
            Right.HANDLE_COMPLAINT,
            Right.READ_POLICIES,
            Right.REGISTER_COMPLAINT,
            Right.REPLY,
            Right.READ_CUSTOMERS,
            Right.REVEAL_CONTACTS,
            Right.WRITE_ARTICLES,
            Right.VALIDATE_ARTICLES,
            Right.PLAY_RECORDINGS,
        }
    ),
    "knowledge_editor": frozenset(_STAFF | {Right.WRITE_ARTICLES, Right.VALIDATE_ARTICLES, Right.PUBLISH_ARTICLES}),
    "admin": frozenset(
        {
            Right.SIGNED_IN,
            Right.ADMINISTER,
            Right.READ_AUDIT,
            Right.READ_SETTINGS,
            Right.READ_POLICIES,
            Right.SET_SKILLS,
            Right.SETTLE_MAIL,
            Right.CLOSE_LINES,
        }
    ),
    "auditor": frozenset(
        _STAFF
        | {
            Right.READ_TICKETS,
            Right.READ_ALL_TICKETS,
            Right.READ_CUSTOMERS,
            Right.READ_AUDIT,
            Right.READ_SETTINGS,
            Right.READ_POLICIES,
        }
    ),
}
ROLES = tuple(ROLE_RIGHTS)


@dataclass(frozen=True)
class Viewer:
    """The person or program looking. Loaded afresh for every request, so that a right taken away is gone at once."""

    agent_id: int | None
    name: str
    roles: tuple[str, ...]
    team_id: int | None = None
    locale: str = "en"
    token_id: int | None = None
    token_people: tuple[int, ...] = ()  # who made the token and who has it in hand, as far as that is known

    @property
    def rights(self) -> frozenset[Right]:
        return _rights_of(self.roles)

    def can(self, right: Right | str) -> bool:
        return Right(right) in self.rights

    def require(self, right: Right) -> None:
        """Raises `NotAllowed` without the right."""
        if not self.can(right):
            raise NotAllowed("Your role does not allow this.")

    @property
    def masked(self) -> bool:
        """Whether contact data is shown with most of it hidden."""
        return not self.can(Right.REVEAL_CONTACTS)

    @property
    def actor(self) -> Actor:
        if self.token_id is not None:
            return Actor("api", self.token_id, self.name)
        return Actor("agent", self.agent_id, self.name)


@lru_cache(maxsize=256)
def _rights_of(roles: tuple[str, ...]) -> frozenset[Right]:
    """Asked for dozens of times a page."""
    return frozenset().union(*(ROLE_RIGHTS.get(role, frozenset()) for role in roles))


def viewer_of(agent: Agent) -> Viewer:
    """The viewer that this agent is now."""
    return Viewer(agent.id, agent.name, tuple(agent.roles), agent.team_id, agent.locale)


def visible_tickets(viewer: Viewer) -> ColumnElement[bool]:
    """The condition on `Ticket` that leaves only what the viewer may read; goes into every list and every lookup."""
    allowed = [*_lasting(viewer), *_held(viewer)]
    return and_(or_(*allowed), untouched_by(viewer, Ticket.id), in_use(Ticket.id)) if allowed else false()


def untouched_by(
    viewer: Viewer, ticket_id: InstrumentedAttribute[int] | InstrumentedAttribute[int | None]
) -> ColumnElement[bool]:
    """The condition that the viewer is not kept out of the ticket of this id: because they are complained about, or partial.

    Whoever is kept out does not find the case anywhere, whatever their role, nor by a token that they made or have in hand; a
    token of which nobody knows that finds no case that is about somebody. What belongs to no ticket passes.
    """
    out = select(Recusal.ticket_id)
    if viewer.token_id is not None:
        people = Recusal.agent_id.in_(viewer.token_people)
        return func.coalesce(ticket_id, 0).not_in(out.where(people if viewer.token_people else Recusal.why == ABOUT))
    if viewer.agent_id is None:
        return true()
    return func.coalesce(ticket_id, 0).not_in(out.where(Recusal.agent_id == viewer.agent_id))


def was_complaint(viewer: Viewer) -> ColumnElement[bool]:
    """The condition on a `Complaint` and its `Ticket` that it was found to be none: the file stays with those who read files."""
    if not viewer.can(Right.READ_COMPLAINTS):
        return false()
    return and_(Complaint.outcome == RETYPED, untouched_by(viewer, Ticket.id), in_use(Ticket.id))


def in_use(ticket_id: InstrumentedAttribute[int] | InstrumentedAttribute[int | None]) -> ColumnElement[bool]:
    """The condition that the ticket of this id is not restricted: one that is only kept is not there for anybody."""
    return func.coalesce(ticket_id, 0).not_in(select(RestrictedTicket.ticket_id))


def lasting_sight(viewer: Viewer) -> list[ColumnElement[bool]]:
    """Conditions on `Ticket`, each enough to read it. For one alone there is an index, for all at once there is none."""
    free = and_(untouched_by(viewer, Ticket.id), in_use(Ticket.id))
    return [and_(each, free) for each in _lasting(viewer)]


def held_tickets(viewer: Viewer) -> list[ColumnElement[bool]]:
    """Work in hand opens its ticket, for as long: whoever is offered it must see what it is. Never more than a few."""
    free = and_(untouched_by(viewer, Ticket.id), in_use(Ticket.id))
    return [and_(each, free) for each in _held(viewer)]


def _lasting(viewer: Viewer) -> list[ColumnElement[bool]]:
    if viewer.can(Right.READ_ALL_TICKETS):
        return [true()]
    allowed: list[ColumnElement[bool]] = []
    if viewer.can(Right.READ_COMPLAINTS):
        allowed.append(Ticket.type == "complaint")
    if viewer.agent_id is not None and viewer.can(Right.TAKE_WORK):
        allowed.append(Ticket.owner_id == viewer.agent_id)
    if viewer.can(Right.READ_TICKETS) and viewer.team_id is not None:
        allowed.append(Ticket.team_id == viewer.team_id)
    return allowed


def _held(viewer: Viewer) -> list[ColumnElement[bool]]:
    if viewer.agent_id is None or not viewer.can(Right.TAKE_WORK) or viewer.can(Right.READ_ALL_TICKETS):
        return []
    held = select(WorkItem.ticket_id).join(Offer, WorkItem.id == Offer.item_id)
    return [Ticket.id.in_(held.where(Offer.agent_id == viewer.agent_id, Offer.state.in_(HOLDING)))]


def access_ticket(session: Session, viewer: Viewer, number: int) -> Ticket:
    """The ticket with this number if the viewer may read it; raises `NotFound` otherwise, whichever the reason."""
    ticket = session.scalar(select(Ticket).where(Ticket.number == number, visible_tickets(viewer)))
    if ticket is None and viewer.can(Right.READ_COMPLAINTS):
        of_case = select(Ticket).join(Complaint, Complaint.ticket_id == Ticket.id)
        ticket = session.scalar(of_case.where(Ticket.number == number, was_complaint(viewer)))
    if ticket is None:
        _tell_restriction(session, viewer, number)
        raise NotFound("There is no ticket %(number)s.", number=number)
    return ticket


def access_customer(session: Session, viewer: Viewer, customer_id: int) -> Customer:
    """The customer if the viewer may read customers, and this one has to do with their work; raises `NotFound` otherwise."""
    customer = session.get(Customer, customer_id) if viewer.can(Right.READ_CUSTOMERS) else None
    if customer is None or not (viewer.can(Right.READ_ALL_TICKETS) or _shares_ticket(session, viewer, customer_id)):
        raise NotFound("There is no such customer.")
    if customer.restricted_at is not None:
        raise _restriction(session, customer.id)
    return customer


def is_known() -> ColumnElement[bool]:
    """The condition on `Customer` for those that staff may find: neither restricted nor erased."""
    return and_(Customer.restricted_at.is_(None), Customer.erased_at.is_(None))


def access_offer(session: Session, viewer: Viewer, offer_id: int) -> Offer:
    """An offer made to the viewer; raises `NotFound` for anyone else's."""
    offer = session.get(Offer, offer_id)
    if offer is None or offer.agent_id != viewer.agent_id:
        raise NotFound("This offer was not made to you.")
    return offer


def access_held_item(session: Session, viewer: Viewer, item_id: int) -> WorkItem:
    """Work that the viewer holds; raises `NotFound` otherwise."""
    item = session.get(WorkItem, item_id)
    if item is None or item.agent_id is None or item.agent_id != viewer.agent_id:
        raise NotFound("You do not hold this work.")
    return item


def masked(value: str, kind: str) -> str:
    """Contact data as someone without the right to reveal sees it: enough to recognise, too little to use."""
    if kind == "email":
        local, _, domain = value.partition("@")
        return f"{local[:2]}•••@{domain}"
    if kind == "phone":
        return f"{value[:4]}••••{value[-3:]}" if len(value) > 8 else "••••"
    if kind == "post":
        return f"{value[:2]}••••"
    return value


def shown_name(viewer: Viewer, name: str) -> str:
    """A person's name as the viewer may see it: for some we know only an address or a number, which is masked like any other."""
    if viewer.masked and "@" in name:
        return masked(name, "email")
    if viewer.masked and name.startswith("+") and name[1:].isdigit():
        return masked(name, "phone")
    return name


def _tell_restriction(session: Session, viewer: Viewer, number: int) -> None:
    """Raises `NotAllowed` when only a restriction stands between the viewer and the ticket: they may know that, and why."""
    allowed = _lasting(viewer)
    if not allowed:
        return
    query = select(Ticket.customer_id).join(RestrictedTicket, RestrictedTicket.ticket_id == Ticket.id)
    found = session.scalar(query.where(Ticket.number == number, or_(*allowed), untouched_by(viewer, Ticket.id)))
    if found is not None:
        raise _restriction(session, found)


def _restriction(session: Session, customer_id: int) -> NotAllowed:
    """Until when a customer's data are only kept, and because of what."""
    duties = session.scalar(select(Erasure.duties).where(Erasure.customer_id == customer_id, Erasure.state == RESTRICTED))
    for why, sentence in _RESTRICTIONS.items():
        for duty in duties or []:
            if duty["why"] == why:
                return NotAllowed(sentence, number=duty["number"], day=(duty["until"] or "")[:10])
    return NotAllowed("This is only kept, and shown to nobody.")


_RESTRICTIONS = {
    "open_case": N_("This is restricted until complaint %(number)s is over: the customer has asked to be erased."),
    "held": N_("This is restricted until the hold on complaint %(number)s is lifted: the customer has asked to be erased."),
    "kept": N_("This is restricted until %(day)s, as complaint %(number)s has to be kept: the customer has asked to be erased."),
}


def _shares_ticket(session: Session, viewer: Viewer, customer_id: int) -> bool:
    query = select(Ticket.id).where(Ticket.customer_id == customer_id, visible_tickets(viewer))
    return session.scalar(query.limit(1)) is not None
