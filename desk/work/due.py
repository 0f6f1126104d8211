"""What each kind of timer does when it is due."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from desk.actions.articles import articles, care, gaps
from desk.actions.calls import callback_outcomes, closures
from desk.actions.chats import chats, silence
from desk.actions.complaints import alarms, alerts, clocks, complaints, corrective_actions, level, mass_events
from desk.actions.mail import unsent
from desk.actions.people import agents, conduct
from desk.actions.surveys import follow_up_work, recovery, relation, surveys
from desk.actions.tickets import awaiting, snoozing, solving, tickets
from desk.actions.work import hand_ups, places, presence
from desk.models import Agent, Complaint, ContactLimit, FollowUp, MassEvent, Survey, Ticket
from desk.queries.chats.chats import GONE_TIMER, IDLE_TIMER
from desk.queries.chats.silence import SILENT_TIMER
from desk.store import Tx
from desk.work.timers import Action


def _close_ticket(tx: Tx, data: dict[str, Any]) -> None:
    solving.close_quiet(tx, tx.session.get_one(Ticket, data["ticket_id"]))


def _try_follow_up_again(tx: Tx, data: dict[str, Any]) -> None:
    follow_up_work.try_again(tx, tx.session.get_one(FollowUp, data["follow_up_id"]))


def _ask_complainant(tx: Tx, data: dict[str, Any]) -> None:
    complaints.follow_up_due(tx, tx.session.get_one(Complaint, data["complaint_id"]))


def _go_on_without_answer(tx: Tx, data: dict[str, Any]) -> None:
    complaints.info_overdue(tx, tx.session.get_one(Complaint, data["complaint_id"]))


def _end_pause(tx: Tx, data: dict[str, Any]) -> None:
    clocks.pause_over(tx, tx.session.get_one(Complaint, data["complaint_id"]))


def _warn_of_clock(tx: Tx, data: dict[str, Any]) -> None:
    alarms.ring(tx, tx.session.get_one(Complaint, data["complaint_id"]))


def _ask_level_3(tx: Tx, data: dict[str, Any]) -> None:
    level.due(tx, tx.session.get_one(Complaint, data["complaint_id"]))


def _tell_of_event(tx: Tx, data: dict[str, Any]) -> None:
    mass_events.send_notices(tx, tx.session.get_one(MassEvent, data["event_id"]), data["text"], data["after"])


def _archive_complaint(tx: Tx, data: dict[str, Any]) -> None:
    complaints.archive_due(tx, tx.session.get_one(Complaint, data["complaint_id"]))


def _hurry_hand_up(tx: Tx, data: dict[str, Any]) -> None:
    hand_ups.overdue(tx, data["item_id"])


def _turn_skills(tx: Tx, data: dict[str, Any]) -> None:
    agents.turn_skills(tx, tx.session.get_one(Agent, data["agent_id"]), datetime.fromisoformat(data["last"]))


def _send_survey(tx: Tx, data: dict[str, Any]) -> None:
    surveys.send_now(tx, data["survey_id"])


def _remind_of_survey(tx: Tx, data: dict[str, Any]) -> None:
    surveys.remind(tx, tx.session.get_one(Survey, data["survey_id"]))


def _recover(tx: Tx, data: dict[str, Any]) -> None:
    recovery.consider(tx, tx.session.get_one(Survey, data["survey_id"]))


def _publish_article(tx: Tx, data: dict[str, Any]) -> None:
    care.publish_due(tx, data["article_id"])


def _archive_article(tx: Tx, data: dict[str, Any]) -> None:
    care.archive_due(tx, data["article_id"])


def _review_limit(tx: Tx, data: dict[str, Any]) -> None:
    _of_limit(tx, data, conduct.review_due)


def _end_limit(tx: Tx, data: dict[str, Any]) -> None:
    _of_limit(tx, data, conduct.run_out)


def _of_limit(tx: Tx, data: dict[str, Any], verb: Callable[[Tx, ContactLimit], None]) -> None:
    limit = tx.session.get(ContactLimit, data["limit_id"])
    if limit is not None:  # it goes with an erased customer
        verb(tx, limit)


ACTIONS: Mapping[str, Action] = {
    "ticket.close": _close_ticket,
    tickets.AWAIT_TIMER: awaiting.silent,
    "follow_up.try_again": _try_follow_up_again,
    "complaint.follow_up": _ask_complainant,
    articles.PUBLISH_TIMER: _publish_article,
    articles.ARCHIVE_TIMER: _archive_article,
    gaps.LOOK_TIMER: gaps.look,
    gaps.HEALTH_TIMER: gaps.renew_next,
    complaints.INFO_TIMER: _go_on_without_answer,
    clocks.PAUSE_TIMER: _end_pause,
    complaints.ARCHIVE_TIMER: _archive_complaint,
    alarms.ALARM_TIMER: _warn_of_clock,
    alarms.LEVEL_TIMER: _ask_level_3,
    mass_events.NOTICE_TIMER: _tell_of_event,
    alerts.LOOK_TIMER: alerts.look,
    corrective_actions.REMIND_TIMER: corrective_actions.remind,
    hand_ups.DUE_TIMER: _hurry_hand_up,
    agents.SKILL_TIMER: _turn_skills,
    presence.GONE_TIMER: presence.still_gone,
    conduct.REVIEW_TIMER: _review_limit,
    conduct.END_TIMER: _end_limit,
    surveys.SEND_TIMER: _send_survey,
    surveys.REMIND_TIMER: _remind_of_survey,
    surveys.RECOVER_TIMER: _recover,
    relation.RELATION_TIMER: relation.ask_some,
    places.REQUEUE_TIMER: places.requeue_after,
    unsent.LEAVE_TIMER: unsent.leave,
    snoozing.WAKE_TIMER: snoozing.wake_due,
    callback_outcomes.JOIN_TIMER: callback_outcomes.join,
    callback_outcomes.PARK_TIMER: callback_outcomes.park,
    callback_outcomes.LATE_TIMER: callback_outcomes.notice_late,
    closures.END_TIMER: closures.expire,
    GONE_TIMER: chats.visitor_gone,
    IDLE_TIMER: chats.visitor_idle,
    SILENT_TIMER: silence.agent_silent,
}
