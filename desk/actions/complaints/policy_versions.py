"""New versions of complaint policies: one person proposes, another who is an administrator agrees; a case keeps its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import func, select

from desk.access import Right, viewer_of
from desk.errors import Conflict, Invalid, NotAllowed
from desk.models import Agent, Calendar, ComplaintPolicy, Setting
from desk.models.complaint_policy import AGREED, OTHER, PAUSE_REASONS, PROPOSED, REFUSED, SUPERVISOR, UNITS, Rules, Span
from desk.queries.complaints.policies import CHOSEN, FALLBACK, chosen_codes, in_force
from desk.sentences import N_
from desk.store import Tx

MOST_UNITS, MOST_YEARS, MOST_STEPS, LONGEST, LONGEST_NAME = 400, 50, 3, 2000, 100
_BAD_SPAN = N_("A whole number from 1 to 400, or nothing.")


def propose(
    tx: Tx,
    before: ComplaintPolicy,
    agent: Agent,
    *,
    rules: Rules,
    name: str,
    name_zh: str,
    calendar: str,
    source: str,
    valid_from: date | None,
) -> ComplaintPolicy:
    """Propose the next version of a policy. Raises `Invalid` with `fields`, `Conflict` while another proposal waits."""
    viewer = viewer_of(agent)
    if not viewer.can(Right.ADMINISTER) and not viewer.can(Right.HANDLE_COMPLAINT):
        viewer.require(Right.SUPERVISE)
    fields = _wrong(tx, before.code, rules, calendar)
    if not name.strip() or not name_zh.strip() or max(len(name), len(name_zh)) > LONGEST_NAME:
        fields["name"] = N_("A policy needs a name in both languages.")
    if valid_from is None or valid_from < tx.now.date():
        fields["valid_from"] = N_("Choose today or a later day; what has come in keeps its dates.")
    if len(source) > LONGEST:
        fields["source"] = N_("This text is too long.")
    if fields or valid_from is None:
        raise Invalid("Please check these answers.", fields)
    waiting = select(ComplaintPolicy.id).where(ComplaintPolicy.code == before.code, ComplaintPolicy.state == PROPOSED)
    if tx.session.scalar(waiting.limit(1)) is not None:
        raise Conflict("A new version of this policy waits already. Agree to it or refuse it first.")
    latest = tx.session.scalar(select(func.max(ComplaintPolicy.version)).where(ComplaintPolicy.code == before.code)) or 0
    new = ComplaintPolicy(
        code=before.code,
        version=latest + 1,
        name=name.strip(),
        name_zh=name_zh.strip(),
        calendar=calendar,
        rules=rules.to_json(),
        source=source.strip(),
        valid_from=valid_from,
        proposed_by_id=agent.id,
        proposed_by=agent.name,
        proposed_at=tx.now,
    )
    tx.session.add(new)
    tx.session.flush()
    old = {"rules": before.rules, "calendar": before.calendar}
    told = {"policy": new.id, "code": new.code, "version": new.version, "valid_from": valid_from.isoformat()}
    tx.emit("policy.proposed", agent=agent, data=told | {"was": old, "rules": new.rules, "in_calendar": new.calendar})
    return new


def judge(tx: Tx, policy: ComplaintPolicy, agent: Agent, *, agree: bool) -> None:
    """An administrator agrees or refuses. Raises `NotAllowed` for who proposed it, `Conflict` when it was judged already."""
    viewer_of(agent).require(Right.ADMINISTER)
    if policy.state != PROPOSED:
        raise Conflict("This version was agreed to or refused already.")
    if policy.proposed_by_id == agent.id:
        raise NotAllowed("You proposed this version; another administrator has to agree to it.")
    if agree and policy.valid_from < tx.now.date():
        raise Conflict("The day from which it was to hold is over. Refuse it and have it proposed again.")
    policy.state, policy.judged_by, policy.judged_at = AGREED if agree else REFUSED, agent.name, tx.now
    data = {"policy": policy.id, "code": policy.code, "version": policy.version}
    tx.emit("policy.agreed" if agree else "policy.refused", agent=agent, data=data)


def choose(tx: Tx, codes: Sequence[str]) -> bool:
    """Under which policies every new complaint comes. False when nothing was different; `Invalid` for none or an unknown one."""
    new = list(dict.fromkeys(codes))
    if not 0 < len(new) <= MOST_STEPS * 2 or any(in_force(tx.session, code, tx.now.date()) is None for code in new):
        raise Invalid("Choose one to six policies that hold today.", {"codes": N_("Choose one to six policies that hold today.")})
    old = chosen_codes(tx.session)
    if new == old:
        return False
    row = tx.session.get(Setting, CHOSEN, with_for_update=True)
    if row is None:
        tx.session.add(Setting(key=CHOSEN, value=new))
    else:
        row.value = new
    tx.emit("policy.chosen", data={"old": {"codes": old}, "new": {"codes": new}})
    return True


def _wrong(tx: Tx, code: str, rules: Rules, calendar: str) -> dict[str, str]:
    fields = {}
    for name in ("acknowledge", "early", "decide"):
        span: Span | None = getattr(rules, name)
        if span is not None and not (0 < span.n <= MOST_UNITS and span.unit in UNITS):
            fields[name] = _BAD_SPAN
    if code == FALLBACK and (rules.acknowledge is None or rules.decide is None):
        fields["decide"] = N_("Our own promise must name both dates.")
    steps_wrong = any(not 0 < step.n <= MOST_UNITS or step.approver not in (OTHER, SUPERVISOR) for step in rules.extensions)
    if steps_wrong or len(rules.extensions) > MOST_STEPS or (rules.extensions and rules.decide is None):
        fields["extensions"] = N_("At most three steps of 1 to 400 units, and only where there is a day to decide by.")
    if not set(rules.pause_reasons) <= set(PAUSE_REASONS):
        fields["pause_reasons"] = N_("Choose why.")
    if not 0 < rules.years <= MOST_YEARS:
        fields["years"] = N_("A whole number of years, from 1 to 50.")
    if any(len(text) > LONGEST for text in (rules.rights or {}).values()):
        fields["rights_en"] = N_("This text is too long.")
    if rules.rights and not all(rules.rights.get(lang) for lang in ("en", "zh")):
        fields["rights_en"] = N_("The letter needs these words in both languages.")
    if calendar and tx.session.scalar(select(Calendar.id).where(Calendar.key == calendar)) is None:
        fields["calendar"] = N_("There is no such calendar.")
    return fields
