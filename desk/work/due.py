"""What each kind of timer does when it is due."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from desk.actions import (
    agents,
    article_care,
    article_gaps,
    articles,
    callback_outcomes,
    chats,
    closures,
    complaint_alarms,
    complaint_alerts,
    complaint_clocks,
    complaints,
    corrective_actions,
    follow_up_work,
    hand_ups,
    places,
    presence,
    snoozing,
    solving,
    survey_recovery,
    surveys,
    unsent,
)
from desk.models import Agent, Complaint, FollowUp, Survey, Ticket
from desk.queries.chats import GONE_TIMER, IDLE_TIMER
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
    complaint_clocks.pause_over(tx, tx.session.get_one(Complaint, data["complaint_id"]))


def _warn_of_clock(tx: Tx, data: dict[str, Any]) -> None:
    complaint_alarms.ring(tx, tx.session.get_one(Complaint, data["complaint_id"]))


def _archive_complaint(tx: Tx, data: dict[str, Any]) -> None:
    complaints.archive_due(tx, tx.session.get_one(Complaint, data["complaint_id"]))


def _hurry_hand_up(tx: Tx, data: dict[str, Any]) -> None:
    hand_ups.overdue(tx, data["item_id"])


def _turn_skills(tx: Tx, data: dict[str, Any]) -> None:
    agents.turn_skills(tx, tx.session.get_one(Agent, data["agent_id"]), datetime.fromisoformat(data["last"]))


def _send_survey(tx: Tx, data: dict[str, Any]) -> None:
    surveys.send_now(tx, tx.session.get_one(Survey, data["survey_id"]))


def _remind_of_survey(tx: Tx, data: dict[str, Any]) -> None:
    surveys.remind(tx, tx.session.get_one(Survey, data["survey_id"]))


def _recover(tx: Tx, data: dict[str, Any]) -> None:
    survey_recovery.consider(tx, tx.session.get_one(Survey, data["survey_id"]))


def _publish_article(tx: Tx, data: dict[str, Any]) -> None:
    article_care.publish_due(tx, data["article_id"])


def _archive_article(tx: Tx, data: dict[str, Any]) -> None:
    article_care.archive_due(tx, data["article_id"])


ACTIONS: Mapping[str, Action] = {
    "ticket.close": _close_ticket,
    "follow_up.try_again": _try_follow_up_again,
    "complaint.follow_up": _ask_complainant,
    articles.PUBLISH_TIMER: _publish_article,
    articles.ARCHIVE_TIMER: _archive_article,
    article_gaps.LOOK_TIMER: article_gaps.look,
    article_gaps.HEALTH_TIMER: article_gaps.renew_next,
    complaints.INFO_TIMER: _go_on_without_answer,
    complaint_clocks.PAUSE_TIMER: _end_pause,
    complaints.ARCHIVE_TIMER: _archive_complaint,
    complaint_alarms.ALARM_TIMER: _warn_of_clock,
    complaint_alerts.LOOK_TIMER: complaint_alerts.look,
    corrective_actions.REMIND_TIMER: corrective_actions.remind,
    hand_ups.DUE_TIMER: _hurry_hand_up,
    agents.SKILL_TIMER: _turn_skills,
    presence.GONE_TIMER: presence.still_gone,
    surveys.SEND_TIMER: _send_survey,
    surveys.REMIND_TIMER: _remind_of_survey,
    surveys.RECOVER_TIMER: _recover,
    places.REQUEUE_TIMER: places.requeue_after,
    unsent.LEAVE_TIMER: unsent.leave,
    snoozing.WAKE_TIMER: snoozing.wake_due,
    callback_outcomes.JOIN_TIMER: callback_outcomes.join,
    callback_outcomes.PARK_TIMER: callback_outcomes.park,
    callback_outcomes.LATE_TIMER: callback_outcomes.notice_late,
    closures.END_TIMER: closures.expire,
    GONE_TIMER: chats.visitor_gone,
    IDLE_TIMER: chats.visitor_idle,
}
