"""The words for what the desk stores as codes, and the sentences for what happened: one place, so that all pages say the same."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import format_datetime, gettext, lazy_gettext, lazy_pgettext, ngettext, pgettext

from desk.http.nouns import AWAY_REASONS, CATEGORIES, LANGUAGES, PRESENCES, TIERS, skill_word
from desk.http.why_words import step_words
from desk.queries.tickets.timeline import Entry
from desk.web.calls import callback_words
from desk.web.tickets import at_hand_words

STATUSES = {
    "new": lazy_gettext("New"),
    "open": lazy_gettext("Open"),
    "pending_customer": lazy_gettext("Waiting for the customer"),
    "pending_internal": lazy_gettext("Waiting for a colleague"),
    "solved": lazy_gettext("Solved"),
    "closed": lazy_pgettext("ticket", "Closed"),
    "merged": lazy_gettext("Merged"),
    "spam": lazy_gettext("Spam"),
}
STATUS_MARKS = {
    "new": "accent",
    "open": "live",
    "pending_customer": "waiting",
    "pending_internal": "waiting",
}
TYPES = {
    "enquiry": lazy_gettext("Enquiry"),
    "request": lazy_gettext("Request"),
    "incident": lazy_gettext("Incident"),
    "complaint": lazy_gettext("Complaint"),
}
WRAP_UP_CODES = {
    "solved": lazy_gettext("Solved"),
    "information_given": lazy_gettext("Information given"),
    "follow_up": lazy_gettext("More to do"),
    "transferred": lazy_gettext("Passed on"),
    "no_action": lazy_gettext("Nothing to do"),
    "wrong_number": lazy_gettext("Wrong number"),
    "dropped": lazy_gettext("Line broke"),
}
NO_ARTICLE = {
    "one_of_a_kind": lazy_gettext("One of a kind: nobody will ask it again"),
    "personal": lazy_gettext("About this customer’s own data only"),
    "not_written": lazy_gettext("There is none: it should be written"),
}
ENDINGS = WRAP_UP_CODES | {"no_answer": lazy_gettext("No answer from the customer")}
CALL_OUTCOMES = WRAP_UP_CODES | {"not_there": lazy_gettext("Somebody else answered")}
PRIORITIES = {
    1: lazy_gettext("P1 · urgent"),
    2: lazy_gettext("P2 · high"),
    3: lazy_gettext("P3 · normal"),
    4: lazy_gettext("P4 · low"),
}
IMPACTS = {
    "one": lazy_gettext("One person"),
    "team": lazy_gettext("A team"),
    "many": lazy_gettext("Many people"),
}
URGENCIES = {
    "low": lazy_gettext("can wait"),
    "normal": lazy_gettext("as usual"),
    "high": lazy_gettext("cannot wait"),
}
KINDS = {
    "call": lazy_gettext("Phone call"),
    "chat": lazy_gettext("Chat"),
    "ticket": lazy_gettext("Ticket"),
    "complaint": lazy_gettext("Complaint"),
    "callback": lazy_gettext("Call back"),
    "consult": lazy_gettext("Advice on the phone"),
    "follow_up": lazy_gettext("Ask again"),
    "hand_up": lazy_gettext("Question from a colleague"),
}
WITHIN = {
    "30": lazy_gettext("half an hour"),
    "60": lazy_gettext("one hour"),
    "120": lazy_gettext("two hours"),
    "240": lazy_gettext("four hours"),
    "480": lazy_gettext("eight hours"),
    "1440": lazy_gettext("one day"),
    "2880": lazy_gettext("two days"),
    "7200": lazy_gettext("five days"),
}
STAGES = {
    "received": lazy_gettext("Received"),
    "acknowledged": lazy_gettext("Acknowledged"),
    "assessed": lazy_gettext("Assessed"),
    "investigating": lazy_gettext("Under investigation"),
    "awaiting_info": lazy_gettext("Waiting for the customer’s answer"),
    "drafted": lazy_gettext("Decision drafted"),
    "approval": lazy_gettext("Waiting for approval"),
    "decided": lazy_gettext("Decided"),
    "redress": lazy_gettext("Redress to be given"),
    "follow_up": lazy_gettext("Asking the customer"),
    "closed": lazy_gettext("Closed"),
    "reopened": lazy_gettext("Opened again"),
    "withdrawn": lazy_gettext("Withdrawn"),
    "archived": lazy_gettext("Archived"),
    "disposed": lazy_gettext("Deleted"),
    "referred": lazy_gettext("Referred elsewhere"),
    "retyped": lazy_gettext("No complaint after all"),
}
# What a button says that enters the stage.
STAGE_VERBS = {
    "acknowledged": lazy_gettext("Acknowledge"),
    "assessed": lazy_gettext("Assess"),
    "investigating": lazy_gettext("Begin the investigation"),
    "awaiting_info": lazy_gettext("Ask the customer something"),
    "drafted": lazy_gettext("Write the decision"),
    "approval": lazy_gettext("Ask for approval"),
    "decided": lazy_gettext("Send the decision"),
    "redress": lazy_gettext("Give the redress"),
    "archived": lazy_gettext("Archive"),
    "disposed": lazy_gettext("Delete"),
    "referred": lazy_gettext("Refer elsewhere"),
    "follow_up": lazy_gettext("Ask the customer now"),
    "closed": lazy_gettext("Close: the customer agrees"),
    "reopened": lazy_gettext("Open again"),
    "withdrawn": lazy_gettext("Withdraw"),
    "retyped": lazy_gettext("It is no complaint"),
}
CLOCK_WORDS = {
    "on_time": lazy_gettext("on time"),
    "soon": lazy_gettext("soon due"),
    "late": lazy_gettext("late"),
    "met": lazy_gettext("kept"),
    "missed": lazy_gettext("missed"),
}
DECISIONS = {
    "upheld": lazy_gettext("Upheld"),
    "partly_upheld": lazy_gettext("Partly upheld"),
    "not_upheld": lazy_gettext("Not upheld"),
    "resolved_early": lazy_gettext("Settled early"),
    "referred": lazy_gettext("Referred elsewhere"),
    "withdrawn": lazy_gettext("Withdrawn"),
    "retyped": lazy_gettext("No complaint after all"),
}
SEVERITIES = {
    1: lazy_gettext("1 · safety, data or crime"),
    2: lazy_gettext("2 · serious"),
    3: lazy_gettext("3 · normal"),
    4: lazy_gettext("4 · slight"),
}
ASKED_AGAIN = {
    "satisfied": lazy_gettext("The customer is satisfied"),
    "explained": lazy_gettext("Explained; there was nothing to put right"),
    "dissatisfied": lazy_gettext("Something is still open"),
    "not_reached": lazy_gettext("Nobody was reached"),
    "no_action": lazy_gettext("Nothing is to be done, for the reason noted"),
}
FOLLOW_UP_REASONS = {
    "low_score": lazy_gettext("The customer gave a low mark."),
    "not_solved": lazy_gettext("The customer says that it is not solved."),
    "complains": lazy_gettext("The customer complains in the words of the answer."),
    "complaint": lazy_gettext("The complaint was decided; ask whether the customer agrees."),
}
THREADED_BY = {
    "reply_address": lazy_gettext("Joined this ticket by our signed reply address."),
    "in_reply_to": lazy_gettext("Joined this ticket: it answers one of its mails."),
    "references": lazy_gettext("Joined this ticket: it refers to one of its mails."),
    "subject_number": lazy_gettext("Joined this ticket by the number in its subject."),
    "detached": lazy_gettext("Taken out of another ticket."),
    "attached": lazy_gettext("Moved here by hand from another ticket."),
    "closed_before": lazy_gettext("A new ticket: the one that it answers was closed more than 30 days ago."),
    "new": lazy_gettext("A new ticket: it names none of ours."),
}
CALL_STATES = {
    "ringing_in": lazy_gettext("coming in"),
    "ivr": lazy_gettext("in the menu"),
    "queued": lazy_gettext("waiting"),
    "offered": lazy_gettext("connecting"),
    "talking": lazy_gettext("on the phone"),
    "hold": lazy_gettext("on hold"),
    "dialing": lazy_gettext("dialling"),
    "consult": lazy_gettext("consulting"),
    "conference": lazy_gettext("three speak"),
    "transferred": lazy_gettext("passed on outside"),
    "wrap_up": lazy_gettext("over, wrap-up open"),
    "done": lazy_gettext("over"),
    "abandoned": lazy_gettext("caller hung up while waiting"),
    "failed": lazy_gettext("failed"),
    "voicemail": lazy_gettext("left a message"),
    "callback_set": lazy_gettext("is called back"),
    "overflow": lazy_gettext("sent elsewhere"),
    "no_answer": lazy_gettext("no answer"),
    "busy": lazy_gettext("engaged"),
    "machine": lazy_gettext("answering machine"),
}
AUDIENCES = {
    "public": lazy_gettext("everybody"),
    "customer": lazy_gettext("customers"),
    "partner": lazy_gettext("partners"),
    "internal": lazy_gettext("internal"),
}
ORDERS = {
    "": lazy_gettext("Latest change first"),
    "oldest": lazy_gettext("Earliest change first"),
    "due": lazy_gettext("Due first"),
    "priority": lazy_gettext("Most urgent first"),
    "opened": lazy_gettext("Oldest first"),
    "newest": lazy_gettext("Newest first"),
}
VIEWS = {
    "mine": lazy_gettext("Mine"),
    "unassigned": lazy_gettext("Unassigned"),
    "open": lazy_gettext("Open"),
    "pending": lazy_gettext("Waiting"),
    "snoozed": lazy_gettext("Snoozed"),
    "followed": lazy_gettext("Followed"),
    "solved": lazy_gettext("Solved"),
    "all": lazy_gettext("All"),
}
ENDED_BY = {
    "agent": lazy_gettext("the agent"),
    "customer": lazy_gettext("the visitor"),
    "idle": lazy_gettext("nobody wrote for long"),
    "disconnect": lazy_gettext("the visitor went away"),
    "system": lazy_gettext("the desk"),
}


def everything() -> dict[str, Any]:
    """The tables for templates, under the name `words`."""
    return {
        "statuses": STATUSES,
        "status_marks": STATUS_MARKS,
        "categories": CATEGORIES,
        "types": TYPES,
        "wrap_up_codes": WRAP_UP_CODES,
        "endings": ENDINGS,
        "no_article": NO_ARTICLE,
        "call_outcomes": CALL_OUTCOMES,
        "priorities": PRIORITIES,
        "impacts": IMPACTS,
        "urgencies": URGENCIES,
        "presences": PRESENCES,
        "away_reasons": AWAY_REASONS,
        "tiers": TIERS,
        "kinds": KINDS,
        "stages": STAGES,
        "stage_verbs": STAGE_VERBS,
        "clock_words": CLOCK_WORDS,
        "decisions": DECISIONS,
        "severities": SEVERITIES,
        "asked_again": ASKED_AGAIN,
        "follow_up_reasons": FOLLOW_UP_REASONS,
        "within": WITHIN,
        "threaded_by": THREADED_BY,
        "call_states": CALL_STATES,
        "audiences": AUDIENCES,
        "views": VIEWS,
        "orders": ORDERS,
        "languages": LANGUAGES,
        "ended_by": ENDED_BY,
        "why_you": WHY_YOU,
        "skill_word": skill_word,
    }


def event_line(entry: Entry) -> tuple[str, str]:
    """What happened as one sentence, and the icon beside it."""
    event = entry.event
    assert event is not None
    data = event.data
    who = event.actor_name or gettext("The desk")
    agent = entry.names.get(event.agent_id or 0, who)
    match event.kind:
        case "ticket.opened":
            return gettext("Ticket opened"), "plus"
        case "ticket.assigned":
            return _assigned(entry, who), "user"
        case "ticket.status_set":
            return gettext("%(who)s: %(status)s", who=_actor(entry), status=STATUSES.get(data.get("new"), data.get("new"))), "tag"
        case "ticket.reopened":
            return gettext("Opened again"), "refresh"
        case "ticket.solved":
            code = ENDINGS.get(data.get("wrap_up_code"), data.get("wrap_up_code"))
            return gettext("Solved by %(who)s (%(code)s)", who=agent, code=code), "check"
        case "ticket.closed":
            return pgettext("ticket", "Closed"), "lock"
        case "ticket.confirmed":
            return gettext("The customer confirmed that it is solved"), "check"
        case "ticket.moved":
            return gettext("Moved to another queue by %(who)s", who=who), "arrow-right"
        case "ticket.raised":
            return gettext("Raised to level %(level)s", level=data.get("level")), "arrow-right"
        case "item.relaxed":
            return gettext("Nobody has taken it: %(what)s", what=step_words(data.get("step", {}), entry.teams)), "clock"
        case "ticket.changed":
            return gettext("%(who)s changed %(what)s", who=_actor(entry), what=_changed(data)), "tag"
    return _work_line(entry, agent)


def why_you(reason: Mapping[str, Any]) -> list[str]:
    """Why this work went to this agent, in short sentences; empty when there is nothing to say."""
    if reason.get("by_hand"):
        return [gettext("Taken by hand by %(name)s.", name=reason["by_hand"])]
    if not reason:
        return []
    lines = []
    if reason.get("mode") == "sticky":
        lines.append(str(WHY_YOU["sticky"]))
    needs = [skill_word(name) for name, _level in reason.get("requires", [])]
    if needs and not reason.get("also"):  # of several ways to fit it is not said which was theirs
        lines.append(gettext("Needs %(skills)s, which you have.", skills=gettext(", ").join(needs)))
    if reason.get("mode") in WHY_YOU and reason["mode"] != "sticky":
        lines.append(str(WHY_YOU[reason["mode"]]))
    waited = _span(int(reason.get("waited_s", 0)))
    if "able" in reason:
        free, able = reason.get("free", 0), reason["able"]
        lines.append(
            gettext(
                "It had waited %(time)s; %(free)s of %(able)s colleagues who can do it were free.",
                time=waited,
                free=free,
                able=able,
            )
        )
    else:
        lines.append(gettext("It had waited %(time)s.", time=waited))
    if reason.get("relaxed"):
        lines.append(gettext("It asks for less than at first, because it has waited."))
    if reason.get("promoted"):
        lines.append(gettext("It had waited so long that it went ahead of others."))
    if reason.get("passed_over"):
        count = int(reason["passed_over"])
        lines.append(ngettext("%(num)s earlier item was left for others.", "%(num)s earlier items were left for others.", count))
    return lines


WHY_YOU = {
    "sticky": lazy_gettext("You know this matter: it was meant for you first."),
    "least_flexible": lazy_gettext("Of those free you have the fewest other kinds of work to do."),
    "longest_idle": lazy_gettext("You had been free the longest."),
    "proficiency": lazy_gettext("You have the highest level in what it needs."),
    "least_loaded": lazy_gettext("You had the least work in hand."),
}


def _work_line(entry: Entry, agent: str) -> tuple[str, str]:
    event = entry.event
    assert event is not None
    data, kind = event.data, event.kind
    if kind == "complaint.extended":
        return gettext("More time for the complaint"), "clock"
    if kind.startswith("complaint."):
        return gettext("Complaint: %(stage)s", stage=STAGES.get(data.get("new"), STAGES["received"])), "alert"
    if kind in at_hand_words.KINDS:
        return at_hand_words.line_of(event, _actor(entry))
    if kind.startswith("callback."):
        return callback_words.line_of(event)
    if kind == "chat.ended":
        return gettext("Chat ended: %(by)s", by=ENDED_BY.get(data.get("by"), data.get("by", ""))), "bubble"
    if kind == "chat.rated":
        return gettext("The visitor said how the chat was"), "star"
    if kind == "survey.answered":
        # Which mark it is, stands beside the ticket, for who may know it by now.
        return gettext("The customer answered our question sheet"), "star"
    if kind == "follow_up.done":
        return gettext("Asked again: %(outcome)s", outcome=ASKED_AGAIN.get(data.get("outcome"), data.get("outcome", ""))), "users"
    sentence, icon = WORK_LINES.get(kind, (kind, "bell"))
    reason = data.get("reason", "")
    if kind == "item.escalated" and event.actor_kind == "system":
        reason = gettext(reason)  # the desk's own reasons are kept in English; what people say stays as it is
    return str(sentence) % {"agent": agent, "reason": reason, "level": data.get("to", "")}, icon


# Filled in with `agent`, `reason` and `level`.
WORK_LINES = {
    "offer.made": (lazy_gettext("Offered to %(agent)s"), "bell"),
    "offer.accepted": (lazy_gettext("Accepted by %(agent)s"), "check"),
    "offer.rejected": (lazy_gettext("Declined by %(agent)s"), "x"),
    "offer.timed_out": (lazy_gettext("%(agent)s did not answer in time"), "clock"),
    "item.abandoned": (lazy_gettext("The customer left before an answer"), "x"),
    "item.escalated": (lazy_gettext("Put before all other work: %(reason)s"), "alert"),
    "item.calmed": (lazy_gettext("Back in its usual place in the queue"), "clock"),
    "hand_up.asked": (lazy_gettext("%(agent)s asked level %(level)s"), "arrow-right"),
    "hand_up.answered": (lazy_gettext("%(agent)s answered for level %(level)s"), "check"),
    "hand_up.returned": (lazy_gettext("%(agent)s sent the question back: something is missing"), "refresh"),
    "hand_up.handed_on": (lazy_gettext("%(agent)s of level %(level)s asked further up"), "arrow-right"),
    "hand_up.withdrawn": (lazy_gettext("The question to level %(level)s was taken back"), "x"),
    "hand_up.overdue": (lazy_gettext("The answer of level %(level)s is late"), "alert"),
    "message.held": (lazy_gettext("A message from a new participant was held"), "lock"),
    "message.admitted": (lazy_gettext("The new participant was let in"), "check"),
    "message.detached": (lazy_gettext("A message was given a ticket of its own"), "arrow-right"),
    "message.attached": (lazy_gettext("A message was moved to another ticket"), "arrow-right"),
    "ticket.continued": (lazy_gettext("The customer wrote again after it was closed: a new ticket was opened"), "arrow-right"),
    "mail.failed": (lazy_gettext("A mail could not be delivered: %(reason)s"), "alert"),
    "mail.bounced": (lazy_gettext("A mail came back"), "alert"),
    "chat.accepted": (lazy_gettext("%(agent)s joined the chat"), "bubble"),
    "chat.reopened": (lazy_gettext("The visitor took the chat up again"), "bubble"),
    "chat.visitor_blocked": (lazy_gettext("The visitor is kept out of the chat"), "lock"),
    "call.answered": (lazy_gettext("%(agent)s answered the call"), "phone"),
    "call.held": (lazy_gettext("Customer put on hold"), "pause"),
    "call.resumed": (lazy_gettext("Customer taken off hold"), "play"),
    "call.agent_lost": (lazy_gettext("The line to %(agent)s broke; the caller is first in the queue"), "alert"),
    "call.wrapped_up": (lazy_gettext("Call wrapped up by %(agent)s"), "check"),
    "follow_up.opened": (lazy_gettext("Somebody else is to ask the customer"), "users"),
    "article.linked": (lazy_gettext("An article was linked"), "book"),
}


def _assigned(entry: Entry, who: str) -> str:
    event = entry.event
    assert event is not None
    new = event.data.get("new")
    if new is None:
        return gettext("%(who)s took the owner away", who=who)
    if new == event.actor_id and event.actor_kind == "agent":
        return gettext("%(who)s took the ticket", who=who)
    return gettext("%(who)s gave the ticket to %(name)s", who=who, name=entry.names.get(new, "?"))


def _actor(entry: Entry) -> str:
    event = entry.event
    assert event is not None
    return event.actor_name if event.actor_kind in ("agent", "api") else gettext("The desk")


def _changed(data: Mapping[str, Any]) -> str:
    parts = []
    for name, new in data.get("new", {}).items():
        if name == "priority":
            parts.append(gettext("priority to %(value)s", value=f"P{new}"))
        elif name == "priority_reason" and new:
            parts.append(gettext("why by hand: %(reason)s", reason=new))
        elif name == "impact":
            parts.append(gettext("whom it touches to %(value)s", value=IMPACTS.get(new, new)))
        elif name == "urgency":
            parts.append(gettext("urgency to %(value)s", value=URGENCIES.get(new, new)))
        elif name == "category":
            parts.append(gettext("category to %(value)s", value=CATEGORIES.get(new, new)))
        elif name == "subject":
            parts.append(gettext("the subject"))
        elif name == "type":
            parts.append(gettext("type to %(value)s", value=TYPES.get(new, new)))
    if due := data.get("due", {}).get("resolve_due_at"):
        parts.append(gettext("to be solved by %(when)s", when=format_datetime(datetime.fromisoformat(due[1]), "short")))
    return gettext(", ").join(parts)


def _span(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
