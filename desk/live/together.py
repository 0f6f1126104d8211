"""What the web processes of one desk know of one another, kept in Redis: who has a screen anywhere, and who is at which ticket.

Nothing here is the truth about work; that is in the database, and what changes there reaches every process by the event feed.
While Redis is away each process knows of its own screens only. When it is back, with or without what it held, every process
says again who is with it before anybody is taken for gone.

Keys: `present` (kind:id|process -> until when), `processes` (-> until when), `steady` (since when they have been kept in step),
`company:TOPIC` (process|connection -> seat), `at:PROCESS` (the topics at which it has somebody). Times are Redis's own.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

import orjson
from redis import Redis
from redis.exceptions import RedisError

from desk.clock import Clock
from desk.live.attendance import Attendance
from desk.live.company import Company, Seat, people_of

log = logging.getLogger(__name__)

BEAT_S = 5.0
HELD_S = 20.0  # a screen is taken for there so long after its process's last beat
STEADY_S = 2 * BEAT_S  # by then every process has said who is with it
KEPT_S = 12 * 3600  # what is said of a ticket's company, if nobody takes it away
WAIT_S = 2.0  # for an answer of Redis
AWAY_S = 1.0  # so long Redis is not asked again after it has not answered


class Line:
    """Our connection to Redis; what cannot be said or asked just now is left."""

    def __init__(self, url: str, name: str, clock: Clock) -> None:
        self.redis: Redis = Redis.from_url(url, socket_timeout=WAIT_S, socket_connect_timeout=WAIT_S, decode_responses=True)
        self.process = secrets.token_hex(6)
        self._name = name
        self._clock = clock
        self._away_until = float("-inf")
        self._silent = False

    def key(self, *words: str) -> str:
        return ":".join((self._name, *words))

    def ask(self, question: Callable[[Redis], Any], otherwise: Any = None) -> Any:
        """The answer, or `otherwise` when Redis does not answer."""
        if self._clock.monotonic() < self._away_until:
            return otherwise
        try:
            answer = question(self.redis)
        except RedisError as error:
            if not self._silent:
                log.warning("Redis does not answer (%s); this process goes on with what it knows itself", error)
            self._silent, self._away_until = True, self._clock.monotonic() + AWAY_S
            return otherwise
        if self._silent:
            log.warning("Redis answers again")
            self._silent = False
        return answer

    def now(self) -> float | None:
        """Redis's time, the same for all who ask."""
        told = self.ask(lambda redis: redis.time())
        return None if told is None else told[0] + told[1] / 1e6


class SharedAttendance(Attendance):
    """Attendance over all processes. A process that is killed is noticed when it has not said for a while who is with it."""

    def __init__(self, line: Line) -> None:
        super().__init__()
        self._line = line

    def came(self, kind: str, key: int) -> None:
        self._say({(kind, key)}, HELD_S)

    def left(self, kind: str, key: int, grace_s: float) -> None:
        self._say({(kind, key)}, grace_s)

    def forget(self, kind: str, key: int) -> None:
        self._line.ask(lambda redis: redis.zrem(self._line.key("present"), self._member(kind, key)))

    def close(self) -> None:
        """At the end of this process whoever was here has their grace, with the others."""
        self._say(self._all_here(), HELD_S)

    def beat(self) -> None:
        """Say who is here, and find those who are nowhere any more."""
        self._say(self._all_here(), HELD_S)
        self._sweep()

    def _all_here(self) -> set[tuple[str, int]]:
        return {(kind, key) for kind, who in self.here.items() for key in who()}

    def _say(self, who: Iterable[tuple[str, int]], more_s: float) -> None:
        now = self._line.now()
        members = {self._member(kind, key): now + more_s for kind, key in who} if now is not None else {}
        if members:
            self._line.ask(lambda redis: redis.zadd(self._line.key("present"), members))

    def _sweep(self) -> None:
        line, now = self._line, self._line.now()
        if now is None or not self._is_steady(now):
            return
        if not line.ask(lambda redis: redis.set(line.key("sweeping"), line.process, nx=True, px=int(BEAT_S * 900))):
            return  # another does it
        until = self._until()
        for kind, key in sorted(who for who, at in until.items() if at <= now and who[0] in self.gone):
            self.gone[kind](key)
            # Whoever came meanwhile said so here first and in the database then: one of the two of us sees the other.
            if self._until().get((kind, key), 0.0) > now:
                self.back[kind](key)
        line.ask(lambda redis: redis.zremrangebyscore(line.key("present"), "-inf", now))

    def _is_steady(self, now: float) -> bool:
        """Whether Redis has been there for long enough that all processes have said who is with them."""
        key, held_ms = self._line.key("steady"), int(STEADY_S * 1000)
        since = self._line.ask(lambda redis: redis.getex(key, px=held_ms))
        if since is None:
            self._line.ask(lambda redis: redis.set(key, repr(now), nx=True, px=held_ms))
        return since is not None and now - float(since) >= STEADY_S

    def _until(self) -> dict[tuple[str, int], float]:
        """Until when each counts as there, by the best of their screens."""
        until: dict[tuple[str, int], float] = {}
        rows = self._line.ask(lambda redis: redis.zrange(self._line.key("present"), 0, -1, withscores=True), ())
        for member, at in rows:
            kind, _, key = member.partition("|")[0].partition(":")
            until[kind, int(key)] = max(at, until.get((kind, int(key)), 0.0))
        return until

    def _member(self, kind: str, key: int) -> str:
        return f"{kind}:{key}|{self._line.process}"


class SharedCompany(Company):
    """Company over all processes. Each tells its own windows, after it has looked, in the order in which changes were made."""

    def __init__(self, line: Line) -> None:
        super().__init__()
        self._line = line

    def sit(self, sid: str, topic: str, seat: Seat) -> bool:
        news = super().sit(sid, topic, seat)
        if news:
            self._keep(sid, topic)
        return news

    def rise(self, sid: str, topics: Iterable[str] | None = None) -> list[str]:
        left = super().rise(sid, topics)
        for topic in left:
            self._line.ask(lambda redis, topic=topic: redis.hdel(self._line.key("company", topic), self._field(sid)))
        return left

    def at(self, topic: str) -> list[dict[str, Any]]:
        line = self._line
        found = line.ask(lambda redis: redis.pipeline().hgetall(line.key("company", topic)).zrange(*self._alive()).execute())
        if found is None:
            return super().at(topic)
        seats, alive = found
        return people_of(Seat(**orjson.loads(text)) for field, text in seats.items() if field.partition("|")[0] in alive)

    def announce(self, topics: Iterable[str]) -> None:
        for topic in topics:
            if self._line.ask(lambda redis, topic=topic: redis.publish(self._line.key("told"), topic)) is None:
                self.tell(topic)

    def beat(self) -> None:
        """Say that this process lives; after Redis has forgotten, who is here; and remove those of processes that do not live."""
        line, now = self._line, self._line.now()
        if now is None:
            return
        if line.ask(lambda redis: redis.zadd(line.key("processes"), {line.process: now + HELD_S})):
            self.say_again()
        for process in line.ask(lambda redis: redis.zrangebyscore(line.key("processes"), "-inf", now), ()):
            self._remove(process)

    def say_again(self) -> None:
        """Write all seats of this process anew, and have everybody look."""
        with self._lock:
            seats = [(sid, topic) for topic, here in self._seats.items() for sid in here]
        for sid, topic in seats:
            self._keep(sid, topic)
        self.announce(sorted({topic for _, topic in seats}))

    def close(self) -> None:
        self._remove(self._line.process)

    def _keep(self, sid: str, topic: str) -> None:
        with self._lock:
            seat = self._seats.get(topic, {}).get(sid)
        if seat is None:
            return
        line, key, at = self._line, self._line.key("company", topic), self._line.key("at", self._line.process)
        line.ask(
            lambda redis: (
                redis.pipeline()
                .hset(key, self._field(sid), orjson.dumps(asdict(seat)).decode())
                .expire(key, KEPT_S)
                .sadd(at, topic)
                .expire(at, KEPT_S)
                .execute()
            )
        )

    def _remove(self, process: str) -> None:
        line = self._line
        topics = line.ask(lambda redis: redis.smembers(line.key("at", process)), ())
        for topic in topics:
            key = line.key("company", topic)
            fields = [field for field in line.ask(lambda redis, key=key: redis.hkeys(key), ()) if field.startswith(f"{process}|")]
            if fields:
                line.ask(lambda redis, key=key, fields=fields: redis.hdel(key, *fields))
        line.ask(lambda redis: redis.pipeline().delete(line.key("at", process)).zrem(line.key("processes"), process).execute())
        self.announce(sorted(topics))

    def _alive(self) -> tuple[str, int, int]:
        return self._line.key("processes"), 0, -1

    def _field(self, sid: str) -> str:
        return f"{self._line.process}|{sid}"


class Together:
    """Both of them, with the two threads that keep them in step."""

    def __init__(self, url: str, name: str, clock: Clock) -> None:
        self._line = Line(url, name, clock)
        self.attendance = SharedAttendance(self._line)
        self.company = SharedCompany(self._line)
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=run, name=run.__name__.strip("_"), daemon=True) for run in (self._beat, self._hear)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """The process goes: whoever is here is expected at another."""
        self._stopping.set()
        self.attendance.close()
        self.company.close()

    def _beat(self) -> None:
        while not self._stopping.is_set():
            try:
                self.attendance.beat()
                self.company.beat()
            except Exception:
                log.exception("this process could not say who is with it, and will try again")
            self._stopping.wait(BEAT_S)

    def _hear(self) -> None:
        """Tell our windows whenever anybody, ourselves included, has changed who is at a ticket."""
        while not self._stopping.is_set():
            try:
                with self._line.redis.pubsub(ignore_subscribe_messages=True) as ear:
                    ear.subscribe(self._line.key("told"))
                    self.company.say_again()  # what was told while nobody listened is made up for
                    while not self._stopping.is_set():
                        told = ear.get_message(timeout=1.0)
                        if told is not None:
                            self.company.tell(told["data"])
            except RedisError:
                self._stopping.wait(AWAY_S)
            except Exception:
                log.exception("this process could not tell who is at a ticket, and goes on")
