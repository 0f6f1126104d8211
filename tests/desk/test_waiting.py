"""What a caller in the line is told, from whichever process, and stepping out of the room and back."""

from __future__ import annotations

from sqlalchemy import select

from channels.voice.events import CallEvent
from desk.actions.calls import arrival, waiting
from desk.actions.work import work_items
from desk.models import Call, WorkItem
from desk.queries.board.waits import Told
from desk.queries.calls.callers import callers_place

OURS = "+862155501234"


def queued(house, number):
    with house.tx() as tx:
        call = arrival.arrive(tx, CallEvent(f"CA{number}", number, OURS, "ringing", "inbound"))
        call.locale = "en"
        arrival.put_in_queue(tx, call)
    return call


def told(house, call):
    """What is told now, and kept with the call."""
    with house.tx() as tx:
        row = tx.session.get_one(Call, call.id)
        place = callers_place(tx.session, row, tx.now)
        waiting.note_told(tx, row.id, place)
    return place


def test_what_was_told_by_another_process_is_not_exceeded_unless_agents_have_left(house):
    maya = house.agent(**{"lang:en": 5})
    first = queued(house, "+8613800138001")
    made = house.offer(house.one(select(WorkItem).where(WorkItem.id == first.item_id)), maya)
    with house.tx() as tx:
        work_items.accept(tx, made.id)
    second = queued(house, "+8613800138002")
    fresh = told(house, second)
    assert fresh.minutes > 2
    with house.tx() as tx:  # another process, a little earlier, when fewer were on the line
        promised = Told(house.clock.now(), (1, 2), fresh.told.agents)
        tx.session.get_one(Call, second.id).told = promised.to_dict()
    assert told(house, second).minutes == 2
    house.tick(61)
    assert told(house, second).minutes == 1
    with house.tx() as tx:
        row = tx.session.get_one(Call, second.id)
        row.told = {**row.told, "agents": fresh.told.agents + 1}
    assert told(house, second).minutes > 2  # somebody has gone: that is a cause


def test_the_room_has_another_name_each_time_its_caller_steps_out(house):
    call = queued(house, "+8613800138001")
    names = [call.conference]
    for visit in (2, 3):
        with house.tx() as tx:
            row = tx.session.get_one(Call, call.id)
            waiting.step_out(tx, row)
            assert waiting.still_waits(tx, row)
            assert (row.aside, row.conference_sid, waiting.visits(row)) == ("leave", "", visit)
            waiting.step_in(tx, row)
            waiting.step_in(tx, row)
        names.append(house.again(call).conference)
    assert len(set(names)) == 3
    assert house.kinds("call.stepped") == ["call.stepped_out", "call.stepped_in"] * 2
