"""The double charge under the Chinese rules for banks: fifteen calendar days, more time in steps, a letter with its rights."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from desk.actions.complaints import clocks, complaints, decisions, file, people_heard
from desk.actions.surveys import follow_ups
from desk.actions.surveys.follow_up_work import open_one
from desk.actions.work import hand_ups, work_items
from desk.errors import NotAllowed
from desk.events import Event
from desk.models import Complaint, ComplaintDecision, HandUp, Setting, Timer
from desk.models.complaint import ACKNOWLEDGED, ARCHIVED, CLOSED, FOLLOW_UP, REDRESS, REOPENED
from desk.queries import doctor
from desk.queries.complaints.policies import CHOSEN
from tests.desk.care_world import World, agent, decide, hold, letters, mail_in, ticket_of

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def world(tmp_path, database_url) -> Iterator[World]:
    with World(tmp_path, database_url) as world:
        yield world


def at(world: World, month: int, day: int) -> None:
    """Go on to ten o'clock of this day in Shanghai."""
    wanted = datetime(2026, month, day, 10, tzinfo=SHANGHAI)
    world.clock.tick((wanted - world.clock.now()).total_seconds())


def day_of(moment: datetime) -> date:
    return moment.astimezone(SHANGHAI).date()


def test_a_double_charge_at_a_bank_from_the_call_to_the_archive(world):
    with world.tx() as tx:  # Friday 20 November 2026, 16:40
        agent(tx, "Lin").roles = ["supervisor"]
        tx.session.merge(Setting(key=CHOSEN, value=["CN-BANKINS"]))
        tx.session.flush()
        ticket = mail_in(tx, "我的卡被扣了两次钱！", locale="zh")
        complaint = complaints.register_from_ticket(
            tx, ticket, "订单77被扣款两次。", order_number="77", category="billing", told_by_voice=True
        )
        case, due = complaint.id, complaint.decide_due_at
        assert (complaint.stage, complaint.policy, complaint.zone) == (ACKNOWLEDGED, "CN-BANKINS", "Asia/Shanghai")
        assert due.astimezone(SHANGHAI) == datetime(2026, 12, 5, 23, 59, 59, tzinfo=SHANGHAI)  # a Saturday
        assert day_of(complaint.acknowledge_due_at) == date(2026, 11, 23)  # the rules name none: our own promise
        assert "2026年12月5日（星期六）" in letters(tx)[-1]["text"]
        officer = agent(tx, "He Yan")
        hold(tx, ticket, "He Yan")
        complaints.advance(tx, complaint, "assessed", agent=officer, category="billing", severity=2)
        complaints.advance(tx, complaint, "investigating", agent=officer)
        packet = {"problem": "扣款两次", "tried": "查了日志", "question": "订单77是否扣款两次？"}
        hand_ups.hand_up(tx, ticket, officer, **packet, needed_by=datetime(2026, 11, 24, 18, tzinfo=SHANGHAI))

    at(world, 11, 25)  # Wednesday: late by a day, and the customer's clock goes on
    with world.tx() as tx:
        complaint, asked = tx.session.get_one(Complaint, case), tx.session.scalars(select(HandUp)).one()
        hand_ups.overdue(tx, asked.item_id)
        work_items.take(tx, asked.item_id, agent(tx, "Ruth").id)
        hand_ups.answer(tx, asked, agent(tx, "Ruth"), "是，扣了两次。")
        assert complaint.decide_due_at == due
        officer = agent(tx, "He Yan")
        heard = {"person": "吴刚", "part": "staff", "how": "phone", "heard_at": tx.now, "summary": "看到两笔扣款。"}
        people_heard.hear(tx, complaint, officer, **heard)
        file.record_finding(tx, complaint, file.allegations_of(tx, complaint)[0].id, "proven", "日志。")
        file.set_cause(tx, complaint, "technology_fault", ["扣了两次。", "重试了。", "没有幂等键。"])
        file.add_redress(tx, complaint, officer, "refund", "1500", datetime(2026, 12, 4, 12, tzinfo=SHANGHAI))
        words = {"looked_into": "核对日志。", "reasons": "扣了两次。", "apology": "对不起。"}
        decisions.draft(tx, complaint, officer, outcome="upheld", **words)
        decisions.submit(tx, complaint, officer)
        with pytest.raises(NotAllowed):
            decisions.approve(tx, complaint, officer)

    at(world, 11, 30)  # Monday
    with world.tx() as tx:
        complaint = tx.session.get_one(Complaint, case)
        assert decisions.approve(tx, complaint, agent(tx, "Lin"))
        decision = tx.session.scalars(select(ComplaintDecision)).one()
        assert complaint.stage == REDRESS
        assert complaint.decided_at <= complaint.decide_due_at
        assert "上级单位申请核查" in decision.letter
        assert decision.pdf_sha256

    at(world, 12, 2)
    with world.tx() as tx:
        complaint = tx.session.get_one(Complaint, case)
        complaints.given(tx, complaint, file.redress_of(tx, complaint)[0].id, "回单4711。")
        timer = tx.session.scalars(select(Timer).where(Timer.kind == "complaint.follow_up", Timer.done_at.is_(None))).one()
        assert day_of(timer.due_at) == date(2026, 12, 7)

    at(world, 12, 7)
    with world.tx() as tx:
        complaint = tx.session.get_one(Complaint, case)
        complaints.follow_up_due(tx, complaint)
        follow_ups.record(tx, open_one(tx, complaint.ticket_id), agent(tx, "Dan"), "dissatisfied", "钱到了，没人道歉。")
        assert (complaint.stage, ticket_of(tx, complaint).level, complaint.decide_due_at) == (REOPENED, 2, due)
        complaints.advance(tx, complaint, "investigating", agent=agent(tx, "Ruth"))
        decide(tx, complaint, reasons="对不起。", by="Ruth")
        complaints.advance(tx, complaint, FOLLOW_UP)
        follow_ups.record(tx, open_one(tx, complaint.ticket_id), agent(tx, "Dan"), "satisfied", "谢谢。")
        assert complaint.stage == CLOSED

    world.days(30)
    with world.tx() as tx:
        complaint = tx.session.get_one(Complaint, case)
        complaints.archive_due(tx, complaint)
        assert (complaint.stage, day_of(complaint.dispose_after)) == (ARCHIVED, date(2031, 12, 7))
    with world.tx() as tx:
        told = list(tx.session.scalars(select(Event.kind).where(Event.complaint_id == case)))
        assert len(told) >= 14
        assert [finding.level for finding in doctor.complaints(tx.session)] == ["ok"]


def test_a_special_case_gets_sixty_days_in_all_and_the_customer_hears_each_time(world):
    with world.tx() as tx:
        agent(tx, "Lin").roles = ["supervisor"]
        tx.session.merge(Setting(key=CHOSEN, value=["CN-BANKINS"]))
        tx.session.flush()
        complaint = world.complain(tx, locale="zh")
        complaints.advance(tx, complaint, "assessed", agent=agent(tx, "He Yan"), category="billing")
        until = complaint.received_at + timedelta(days=10)
        for who, day in (("Ruth", "2026年12月20日（星期日）"), ("Lin", "2027年1月19日（星期二）")):
            clocks.extend(tx, complaint, agent(tx, who), "案情复杂。")
            assert day in letters(tx)[-1]["text"]
        clocks.pause(tx, complaint, agent(tx, "He Yan"), "appraisal", "等待外部鉴定。", until)
        assert day_of(complaint.decide_due_at) == date(2027, 1, 29)
        assert "2027年1月29日" in letters(tx)[-1]["text"]
