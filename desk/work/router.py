"""The router: keeps the matcher's picture in step with the rows, by events, and makes its decisions durable.

The database is the truth and the picture an index of it. After every commit the rows that an event names are read again; nothing
polls. A decision is a claim that the database may refuse; then the rows are read again. What a claim has written is known, and
not read. Between events the router sleeps until its next moment: an offer's end, a promotion, an overflow step.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import update

from desk import traces
from desk.actions.work import claims, holding, work_items
from desk.clock import LEAP_S
from desk.events import SYSTEM, Event
from desk.installation import Installation
from desk.models import WorkItem
from desk.models.work_item import WAITING
from desk.store import StoreAway, Tx
from desk.work.lease import STANDBY_S, Lease
from desk.work.picture import Changed, News, Picture, Waiting, read, taken
from routing.values import load_of

log = logging.getLogger(__name__)

POLICIES = ("calendar.", "setting.", "team.", "demo.")  # kinds of events after which everything is looked at anew
AGAIN_S = 1.0
MOST_REFUSALS = 5  # an agent who is busy answering may be missed a few times; more than that is a fault
STEPS_AT_ONCE = 200
HEAD = 2000  # items at the head of the line, which whoever takes over reads first


class Router:
    """One per process; only the one that holds the lease decides. `turn` does everything that is due."""

    def __init__(self, desk: Installation) -> None:
        self._desk = desk
        self._store, self._clock = desk.store, desk.clock
        self._lease = Lease(desk)
        self._picture = Picture()
        self._changed_lock = threading.Lock()
        self._changed = Changed(all=True)
        self._claiming: int | None = None  # the thread that is making claims: it knows what they change
        self._epoch: int | None = None
        self._leapt_s = 0.0

    @property
    def epoch(self) -> int | None:
        """The epoch in which we route; None while we do not."""
        return self._lease.epoch

    def follow(self, events: Sequence[Event]) -> bool:
        """Note which rows have changed. True when the router has something to look at."""
        if threading.get_ident() == self._claiming:
            events = [event for event in events if event.kind != "offer.made"]
        items = {event.item_id for event in events if event.item_id is not None}
        agents = {event.agent_id for event in events if event.agent_id is not None}
        queues = {event.queue_id for event in events if event.kind.startswith("queue.") and event.queue_id is not None}
        changed = Changed(items, agents, queues, any(event.kind.startswith(POLICIES) for event in events))
        self._note(changed)
        return bool(changed)

    def turn(self) -> float | None:
        """Keep the lease, catch up with the rows, end offers that ran out, decide. Returns the seconds until the next thing."""
        try:
            epoch = self._lease.hold()
            if epoch is None:
                self._note(Changed(all=True))
                self._epoch = None
                return STANDBY_S
            if epoch != self._epoch:
                self._take_over(epoch)
            self._mind_leaps()
            self._note(Changed(agents=self._picture.written(self._now())))
            self._catch_up()
            self._expire()
            self._record_steps()
            return self._until_next() if self._decide(epoch) else AGAIN_S
        except BaseException:
            self._note(Changed(all=True))  # what was under way is uncertain
            raise

    def release(self) -> None:
        """Let another router take over at once."""
        self._lease.release()

    def _take_over(self, epoch: int) -> None:
        """Everything is read, loads are counted anew, and offers whose time is over end in the turn that follows.

        To read a long line takes seconds, so whoever stands at its head is served first.
        """
        log.info("routing in epoch %s", epoch)
        self._leapt_s = self._clock.leapt_s()
        self._epoch = epoch
        self._note(Changed(all=True))
        self._catch_up(HEAD)
        if self._picture.size == HEAD:
            self._claim_some(epoch)
            self._note(Changed(all=True))

    def _mind_leaps(self) -> None:
        """The wall clock was set ahead, or the machine has slept: nobody has let anything ring for that time."""
        leapt_s, self._leapt_s = self._clock.leapt_s() - self._leapt_s, self._clock.leapt_s()
        if leapt_s <= LEAP_S:
            return
        with self._lease.writing() as tx:
            count = work_items.extend_offers(tx, leapt_s)
            tx.emit("router.clock_leapt", data={"seconds": round(leapt_s), "offers": count})
        self._picture.leap(self._clock.now(), leapt_s)
        self._note(Changed(all=True))
        log.warning("the clock has leapt ahead by %.0f s; %s open offers stand for so much longer", leapt_s, count)

    def _catch_up(self, most: int | None = None) -> None:
        """Read what has changed; of all that waits, if that is to be read, at most so many."""
        with self._changed_lock:
            changed, self._changed = self._changed, Changed()
        if not changed:
            return
        if changed.all:
            self._still_ours(reading=True)
        try:
            monotonic, now = self._clock.monotonic(), self._clock.now()  # in this order no deadline is later than its row says
            with self._store.read() as reading:
                news = read(reading, changed, now, most)
        except Exception:
            self._note(changed)  # what could not be read is still to be read
            raise
        self._picture.take(news, now, monotonic)
        if news.rules is not None:
            self._recount(news)

    def _recount(self, news: News) -> None:
        """Mend the loads that are not what the offers add up to: by an old rule, or by a fault."""
        assert news.rules is not None
        for each in sorted(news.present, key=lambda present: present.seat.id):
            held, capacity = each.seat.held, each.seat.capacity
            if each.used != min(load_of(held, news.rules).used(capacity), capacity):
                with self._lease.writing() as tx:
                    if holding.recount(tx, each.seat.id):
                        log.warning("the load of agent %s was counted wrongly and is right now", each.seat.id)
        self._still_ours()

    def _expire(self) -> None:
        for offer_id in self._picture.deadlines.due(self._clock.monotonic()):
            with self._lease.writing() as tx:
                work_items.expire(tx, offer_id, ran_out=True)
            self._picture.deadlines.drop(offer_id)
            self._catch_up()

    def _record_steps(self) -> None:
        """Each overflow step that a waiting item has taken is told once."""
        now = self._now()
        due = self._picture.steps_due(now)
        for start in range(0, len(due), STEPS_AT_ONCE):
            with self._lease.writing() as tx:
                for waiting in due[start : start + STEPS_AT_ONCE]:
                    self._record(tx, waiting, taken(waiting, now))
            for waiting in due[start : start + STEPS_AT_ONCE]:
                self._picture.recorded(waiting, taken(waiting, now))

    def _record(self, tx: Tx, waiting: Waiting, count: int) -> None:
        item, done = waiting.item, waiting.steps_done
        still = update(WorkItem).where(WorkItem.id == item.id, WorkItem.state == WAITING, WorkItem.steps_done == done)
        nouns = (WorkItem.ticket_id, WorkItem.customer_id, WorkItem.queue_id)
        row = tx.session.execute(still.values(steps_done=count).returning(*nouns)).one_or_none()
        for step in item.steps[done:count] if row is not None else ():
            about = {"item": item.id, "ticket": row[0], "customer": row[1], "queue": row[2]}
            tx.emit("item.relaxed", data={"step": dict(step.done)}, **about)

    def _decide(self, epoch: int) -> bool:
        """Claim until nothing more fits. False when the rows refuse what the matcher keeps deciding: then a pause is due."""
        refused: Counter[tuple[int, int]] = Counter()
        while True:
            decisions = self._picture.matcher.decide(self._now())
            asked = self._picture.claims(decisions, epoch)
            if not decisions:
                return True
            out: set[int] = set()  # agents who have lost a claim: what was decided for them on top of it has no ground
            for start in range(0, len(asked), claims.MOST):
                for lost in self._claim(asked[start : start + claims.MOST], out):
                    pair = (lost.item_id, lost.agent_id)
                    refused[pair] += 1
                    if refused[pair] == MOST_REFUSALS:
                        log.error("item %s is refused to agent %s again and again; looking anew in a moment", *pair)
                        self._note(Changed(all=True))
                        return False
                self._still_ours()
            self._catch_up()

    def _claim_some(self, epoch: int) -> None:
        """Make the decisions of one round; who loses a claim is looked at again later."""
        asked = self._picture.claims(self._picture.matcher.decide(self._now()), epoch)
        out: set[int] = set()
        for start in range(0, len(asked), claims.MOST):
            self._claim(asked[start : start + claims.MOST], out)

    def _claim(self, asked: Sequence[claims.Claim], out: set[int]) -> list[claims.Claim]:
        """Make decisions durable, all in one commit. Returns those that were lost; their rows are to be read again.

        Nothing is claimed for the agents in `out`, and who loses comes to them.
        """
        tried = [each for each in asked if each.agent_id not in out]
        monotonic = self._clock.monotonic()  # before the rows say until when: whoever sees an offer may count on its end
        told = traces.span("offer work", {"desk.items": [each.item_id for each in tried]})
        with told, self._deaf(), self._store.direct(self._lease.connection, SYSTEM) as unit:
            won = {each.claim.item_id: each for each in claims.claim(unit, tried) if each is not None}
        for claimed in won.values():
            self._picture.won(claimed, monotonic)
        unclaimed = [each for each in asked if each.item_id not in won]
        self._note(Changed({each.item_id for each in unclaimed}, {each.agent_id for each in unclaimed}))
        lost = [each for each in tried if each.item_id not in won and each.agent_id not in out]
        out.update(each.agent_id for each in lost)
        for each in lost:
            log.debug("item %s was no longer free for agent %s", each.item_id, each.agent_id)
        return lost

    @contextmanager
    def _deaf(self) -> Iterator[None]:
        """The offers that this thread makes meanwhile are no news."""
        self._claiming = threading.get_ident()
        try:
            yield
        finally:
            self._claiming = None

    def _still_ours(self, *, reading: bool = False) -> None:
        """Raises `StoreAway` when somebody else routes now."""
        if self._lease.hold(reading=reading) != self._epoch:
            raise StoreAway

    def _note(self, changed: Changed) -> None:
        with self._changed_lock:
            self._changed.add(changed)

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _until_next(self) -> float:
        moments = [self._lease.rest_s()]
        picture = self._picture
        timers = (picture.matcher.next_change_at(), picture.next_step_at(), picture.next_written_at())
        moments += [at - self._now() for at in timers if at is not None]
        deadline = self._picture.deadlines.next_at()
        if deadline is not None:
            moments.append(deadline - self._clock.monotonic())
        return max(0.0, min(moments))
