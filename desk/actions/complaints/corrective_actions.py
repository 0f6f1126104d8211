"""Corrective and preventive actions: opened, done, checked by somebody who did not do them; what did not help goes on anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from desk.access import Right, viewer_of
from desk.actions.timers import clear_timer, set_timer
from desk.errors import Conflict, Invalid, NotAllowed
from desk.letter_texts import LANGUAGES
from desk.models import ActionCase, Agent, Complaint, ComplaintAlert, CorrectiveAction
from desk.models.complaint_alert import HANDLED
from desk.models.corrective_action import CLOSED, DONE, INCONCLUSIVE, KINDS, NOT_EFFECTIVE, OPEN, RESULTS
from desk.queries.complaints.trends import like
from desk.sentences import N_
from desk.store import Tx

REMIND_TIMER = "corrective_action.remind"
BEFORE, AGAIN = timedelta(days=1), timedelta(days=7)  # reminded so long before the day, and then so often while nothing happens
CHECK_DAYS = (7, 365)
LONGEST, LONGEST_TITLE, LONGEST_TOLD = 4000, 200, 300
TOLD = ("said", "did")  # what customers read of an action


def open_action(
    tx: Tx,
    opener: Agent,
    *,
    kind: str,
    title: str,
    change: str,
    method: str,
    owner_id: int | None,
    due_at: datetime | None,
    check_after_days: int = 30,
    cause: str = "",
    product: str = "",
    complaints: Iterable[Complaint] = (),
    alert: ComplaintAlert | None = None,
) -> CorrectiveAction:
    """Somebody is to change something by a day. Cause and product come from the alert or the first complaint unless given.

    Raises `NotAllowed` for who neither handles complaints nor supervises, `Invalid` with `fields` for what is missing.
    """
    _check_words(tx, kind, title, change, method, owner_id, due_at, check_after_days)
    _check_judge(opener)
    answered = list(complaints)
    if alert is not None:
        ids = set(alert.complaint_ids) - {each.id for each in answered}
        answered += tx.session.scalars(select(Complaint).where(Complaint.id.in_(ids)).order_by(Complaint.id)).all()
    about = [each for each in answered if each.cause] or answered
    action = CorrectiveAction(
        kind=kind,
        title=title.strip()[:LONGEST_TITLE],
        change=change.strip()[:LONGEST],
        method=method.strip()[:LONGEST],
        cause=cause or (about[0].cause if about else ""),
        product=product or (alert.product if alert is not None else about[0].product if about else ""),
        owner_id=owner_id,
        opened_by_id=opener.id,
        alert_id=alert.id if alert is not None else None,
        opened_at=tx.now,
        due_at=due_at,
        check_after_days=check_after_days,
    )
    _add(tx, action, [each.id for each in answered])
    if alert is not None and alert.acknowledged_at is None:
        alert.acknowledged_at, alert.acknowledged_by_id = tx.now, opener.id
    return action


def link_case(tx: Tx, action: CorrectiveAction, complaint: Complaint, agent: Agent) -> None:
    """One more complaint that the action answers to. Doing it again changes nothing."""
    _check_judge(agent)
    known = select(ActionCase.id).where(ActionCase.action_id == action.id, ActionCase.complaint_id == complaint.id)
    if tx.session.scalar(known) is None:
        tx.session.add(ActionCase(action_id=action.id, complaint_id=complaint.id))
        tx.emit("corrective_action.linked", ticket=complaint.ticket_id, agent=agent, data=_data(action))


def done(tx: Tx, action: CorrectiveAction, agent: Agent, evidence: str) -> None:
    """It has been changed, and this shows it. From now on somebody else has to see whether it helps.

    Raises `NotAllowed` for who is neither its owner nor handles complaints, `Invalid` without evidence, `Conflict` a second time.
    """
    if agent.id != action.owner_id:
        _check_judge(agent)
    if action.state != OPEN:
        raise Conflict("This action has been done already.")
    if not evidence.strip():
        raise Invalid("Say what shows that it was done.", {"evidence": N_("Say what shows that it was done.")})
    action.state, action.done_at, action.done_by_id = DONE, tx.now, agent.id
    action.evidence = evidence.strip()[:LONGEST]
    action.check_due_at = tx.now + timedelta(days=action.check_after_days)
    tx.emit("corrective_action.done", agent=agent, data={**_data(action), "late": tx.now > action.due_at})
    _remind_later(tx, action)


def check(
    tx: Tx, action: CorrectiveAction, agent: Agent, result: str, note: str, due_at: datetime | None = None
) -> CorrectiveAction | None:
    """Record whether it helped. Returns the next action, if there is one.

    Effective closes it; not effective closes it and opens the next one, due at `due_at`; inconclusive is looked at again after
    as many days.

    Raises `NotAllowed` for who owns it or did it, `Conflict` before the day of the check, `Invalid` with `fields`.
    """
    _check_judge(agent)
    if agent.id in (action.owner_id, action.done_by_id):
        raise NotAllowed("You did this yourself; somebody else has to see whether it helped.")
    if action.state != DONE or action.check_due_at is None:
        raise Conflict("Only what has been done can be checked.")
    if tx.now < action.check_due_at:
        raise Conflict("It is too early to see whether it helped; wait for the day of the check.")
    fields = {} if result in RESULTS else {"result": N_("Choose what you found.")}
    if not note.strip():
        fields["note"] = N_("Say what this rests on.")
    if result == NOT_EFFECTIVE and (due_at is None or due_at <= tx.now):
        fields["due"] = N_("Choose a day that is still to come.")
    if fields:
        raise Invalid("Something is missing before this check can be recorded.", fields)
    action.checked_at, action.checked_by_id = tx.now, agent.id
    action.result, action.check_note = result, note.strip()[:LONGEST]
    action.like_after = _like_since(tx, action, action.done_at or tx.now)
    data = {**_data(action), "result": result, "before": action.like_before, "after": action.like_after}
    tx.emit("corrective_action.checked", agent=agent, data=data)
    if result == INCONCLUSIVE:
        action.check_due_at = tx.now + timedelta(days=action.check_after_days)
        _remind_later(tx, action)
        return None
    action.state = CLOSED
    clear_timer(tx, REMIND_TIMER, str(action.id))
    if result == NOT_EFFECTIVE:
        action.told_at = None  # nobody reads any more that it put things right
        return _anew(tx, action, agent, due_at)
    _close_alert(tx, action, agent)
    return None


def tell_customers(tx: Tx, action: CorrectiveAction, agent: Agent, words: Mapping[str, Mapping[str, str]]) -> None:
    """Customers read what they said and what we did about it, in both languages; nothing in all of them takes it back.

    Raises `NotAllowed`, `Conflict` before it was done or when it did not help, `Invalid` with `fields` ("zh.said").
    """
    _check_judge(agent)
    told = {lang: {part: words[lang][part].strip()[:LONGEST_TOLD] for part in TOLD} for lang in LANGUAGES}
    missing = [f"{lang}.{part}" for lang in LANGUAGES for part in TOLD if not told[lang][part]]
    if len(missing) == len(LANGUAGES) * len(TOLD):
        action.told, action.told_at = {}, None
        tx.emit("corrective_action.taken_back", agent=agent, data=_data(action))
        return
    if action.done_at is None or action.result == NOT_EFFECTIVE:
        raise Conflict("Customers read of what has been done and has not been found to be of no use.")
    if missing:
        raise Invalid("Write it in both languages.", dict.fromkeys(missing, N_("Write this, too.")))
    action.told, action.told_at = told, tx.now
    tx.emit("corrective_action.told", agent=agent, data=_data(action))


def hand_over(tx: Tx, action: CorrectiveAction, agent: Agent, owner_id: int | None, due_at: datetime | None, reason: str) -> None:
    """Somebody else sees to it, or it gets another day; either is said with a reason."""
    _check_judge(agent)
    if action.state != OPEN:
        raise Conflict("This action has been done already.")
    fields = _wrong_owner(tx, owner_id)
    if due_at is None or due_at <= tx.now:
        fields["due"] = N_("Choose a day that is still to come.")
    if not reason.strip():
        fields["reason"] = N_("Say why.")
    if fields or owner_id is None or due_at is None:
        raise Invalid("Something is missing before this can be changed.", fields)
    old = {"owner": action.owner_id, "due_at": action.due_at.isoformat()}
    action.owner_id, action.due_at = owner_id, due_at
    new = {"owner": owner_id, "due_at": due_at.isoformat()}
    tx.emit(
        "corrective_action.handed_over", agent=owner_id, data={**_data(action), "old": old, "new": new, "reason": reason[:500]}
    )
    _remind_later(tx, action)


def remind(tx: Tx, data: dict[str, Any]) -> None:
    """Its day is near or past (timer `corrective_action.remind`): whoever owns it, or could check it, is told again."""
    action = tx.session.get_one(CorrectiveAction, data["action_id"])
    due_at = action.clock_at
    if due_at is None:
        return
    whom = action.owner_id if action.state == OPEN else None
    tx.emit("corrective_action.reminded", agent=whom, data={**_data(action), "late": tx.now > due_at})
    set_timer(tx, REMIND_TIMER, str(action.id), due_at if tx.now < due_at else tx.now + AGAIN, {"action_id": action.id})


def _add(tx: Tx, action: CorrectiveAction, complaint_ids: Iterable[int]) -> None:
    tx.session.add(action)
    tx.session.flush()
    tx.session.add_all(ActionCase(action_id=action.id, complaint_id=each) for each in complaint_ids)
    action.like_before = _like_since(tx, action, tx.now - timedelta(days=action.check_after_days))
    tx.emit("corrective_action.opened", agent=action.owner_id, data=_data(action))
    _remind_later(tx, action)


def _anew(tx: Tx, action: CorrectiveAction, agent: Agent, due_at: datetime | None) -> CorrectiveAction:
    after = CorrectiveAction(
        opened_by_id=agent.id,
        previous_id=action.id,
        opened_at=tx.now,
        due_at=due_at,
        **{
            name: getattr(action, name)
            for name in ("kind", "title", "change", "method", "cause", "product", "owner_id", "alert_id", "check_after_days")
        },
    )
    cases = select(ActionCase.complaint_id).where(ActionCase.action_id == action.id).order_by(ActionCase.complaint_id)
    _add(tx, after, tx.session.scalars(cases).all())
    return after


def _close_alert(tx: Tx, action: CorrectiveAction, agent: Agent) -> None:
    """It helped: what had raised the alarm is over, unless another action against it is still under way."""
    alert = tx.session.get(ComplaintAlert, action.alert_id) if action.alert_id is not None else None
    others = select(func.count()).select_from(CorrectiveAction)
    tx.session.flush()
    if alert is None or alert.closed_at is not None:
        return
    if tx.session.scalar(others.where(CorrectiveAction.alert_id == alert.id, CorrectiveAction.state != CLOSED)):
        return
    alert.closed_at, alert.closed_by_id, alert.outcome, alert.reason = tx.now, agent.id, HANDLED, action.check_note[:500]
    tx.emit("complaint_alert.handled", agent=agent, data={"alert": alert.id, "action": action.id})


def _like_since(tx: Tx, action: CorrectiveAction, since: datetime) -> int:
    """How many such complaints came within the days of a check."""
    if not action.cause:
        return 0
    until = since + timedelta(days=action.check_after_days)
    tx.session.flush()
    query = select(func.count()).select_from(Complaint).where(*like(action.cause, action.product))
    return tx.session.scalar(query.where(Complaint.received_at > since, Complaint.received_at <= until)) or 0


def _remind_later(tx: Tx, action: CorrectiveAction) -> None:
    due_at = action.clock_at
    if due_at is not None:
        near = due_at - BEFORE
        set_timer(tx, REMIND_TIMER, str(action.id), near if near > tx.now else due_at, {"action_id": action.id})


def _check_judge(agent: Agent) -> None:
    viewer = viewer_of(agent)
    if not viewer.can(Right.HANDLE_COMPLAINT):
        viewer.require(Right.SUPERVISE)


def _check_words(
    tx: Tx, kind: str, title: str, change: str, method: str, owner_id: int | None, due_at: datetime | None, days: int
) -> None:
    fields = _wrong_owner(tx, owner_id)
    if kind not in KINDS:
        fields["kind"] = N_("Choose the kind of action.")
    if not title.strip():
        fields["title"] = N_("Give it a name.")
    if not change.strip():
        fields["change"] = N_("Say what is to be different afterwards.")
    if not method.strip():
        fields["method"] = N_("Say by what we will see whether it helped.")
    if due_at is None or due_at <= tx.now:
        fields["due"] = N_("Choose a day that is still to come.")
    if not CHECK_DAYS[0] <= days <= CHECK_DAYS[1]:
        fields["check_after_days"] = N_("From 7 to 365 days.")
    if fields:
        raise Invalid("Something is missing before this action can be opened.", fields)


def _wrong_owner(tx: Tx, owner_id: int | None) -> dict[str, str]:
    owner = tx.session.get(Agent, owner_id) if owner_id is not None else None
    return {} if owner is not None and owner.active else {"owner": N_("Choose who sees to it.")}


def _data(action: CorrectiveAction) -> dict[str, Any]:
    return {"action": action.id, "kind": action.kind, "title": action.title}
