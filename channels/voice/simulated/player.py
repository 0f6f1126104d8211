"""Carries out TwiML documents for a call, verb by verb, in simulated time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urljoin

from channels.voice.simulated import script, verbs
from channels.voice.simulated.exchange import Exchange
from channels.voice.simulated.gathering import Gathering
from channels.voice.simulated.recorder import Recorder
from channels.voice.simulated.sound import RECORDED_VOICE
from channels.voice.simulated.state import Call, Run
from channels.voice.simulated.verbs import (
    BadTwiml,
    Dial,
    Gather,
    Hangup,
    Pause,
    Play,
    Record,
    Redirect,
    Reject,
    Say,
    Verb,
)
from channels.voice.simulated.voicemail import Voicemail
from channels.voice.simulated.webhooks import Reply

_MOST_HOPS = 100
_TUNE_S = 30.0
_TONE_S, _TONE_WAIT_S = 0.2, 0.5
_BESIDE_ROOM = (Say, Play, Pause, Redirect)
_DOCUMENTS = frozenset({"text/xml", "application/xml", "text/html"})


class Player:
    """All methods are called with the exchange's lock held.

    `answer(call)` is called before the first verb that takes the call, `dial(call, verb)` when the call goes to a room,
    `end(call, status, reason)` when the document hangs up or fails, `unwelcome(call)` when a room's wait document cannot be had,
    `tones(call, digits)` when keys are played to it.
    """

    def __init__(
        self,
        exchange: Exchange,
        recorder: Recorder,
        *,
        answer: Callable[[Call], None],
        dial: Callable[[Call, Dial], None],
        end: Callable[[Call, str, str], None],
        unwelcome: Callable[[Call], None],
        tones: Callable[[Call, str], None],
    ) -> None:
        self._exchange = exchange
        self._recorder = recorder
        self._answer = answer
        self._dial = dial
        self._end = end
        self._unwelcome = unwelcome
        self._tones = tones
        self.gathering = Gathering(exchange, sound=self.sound, submit=self.fetch, go_on=self.go_on)
        self.voicemail = Voicemail(exchange, recorder, submit=self.fetch, go_on=self.go_on)

    def fetch(self, call: Call, run: Run, url: str, **more: str) -> None:
        """Ask `url` (relative to the document that is running) for the next document of this run and carry it out."""
        run.verbs, run.at, run.gather = (), 0, None
        run.hops += 1
        if run.hops > _MOST_HOPS:
            self._fail(call, run, verbs.SCHEMA, "The documents lead to one another without end.")
            return
        address = urljoin(run.url, url) if url else run.url
        form = self._exchange.call_form(call) | more
        if call.seat is not None:
            form |= {"ConferenceSid": call.seat.room.sid, "FriendlyName": call.seat.room.name}
        self._exchange.ask(address, form, lambda reply: self._begin(call, run, address, reply))

    def go_on(self, call: Call, run: Run) -> None:
        """Carry out the next verb."""
        if run.cancelled or call.ended:
            return
        if run.at >= len(run.verbs):
            self._out_of_verbs(call, run)
            return
        verb = run.verbs[run.at]
        run.at += 1
        match verb:
            case Say() | Play() | Pause():
                self.sound(call, run, verb, lambda: self.go_on(call, run))
            case Gather():
                self.gathering.begin(call, run, verb)
            case Record():
                self.voicemail.begin(call, run, verb)
            case Redirect():
                self.fetch(call, run, verb.url)
            case Dial():
                self._dial(call, verb)
            case Hangup():
                self._end(call, "completed", "finished")
            case Reject():
                self._end(call, "busy" if verb.reason == "busy" else "no-answer", "rejected")

    def sound(self, call: Call, run: Run, verb: Verb, then: Callable[[], None]) -> None:
        """Let the caller hear it, and go on when it is over."""
        match verb:
            case Say():
                self._exchange.perceive(call, "say", text=verb.text, lang=verb.lang)
                self._hear(call, run, speaking_s(verb.text, verb.lang), verb.loop, then)
            case Play() if verb.digits:
                self._exchange.perceive(call, "keys", digits=verb.digits)
                self._tones(call, verb.digits)
                seconds = sum(_TONE_WAIT_S if one in "wW" else _TONE_S for one in verb.digits)
                self._hear(call, run, seconds, verb.loop, then)
            case Play():
                address = urljoin(run.url, verb.url)
                self._exchange.length_of(address, lambda seconds: self._play(call, run, address, seconds, verb.loop, then))
            case Pause():
                self._later(run, float(verb.seconds), then)

    def _begin(self, call: Call, run: Run, address: str, reply: Reply) -> None:
        if call.ended and reply.ok and run.purpose == "main":
            with suppress(BadTwiml):
                # Who hung up while the application was asked was sent to wait by it all the same.
                self._note_queued(call, _read(reply, address))
        if run.cancelled or call.ended:
            return
        if not reply.ok:
            why = f"status {reply.status}" if reply.status else reply.body
            code = verbs.HTTP_FAILED if reply.status else verbs.NO_CONNECTION
            self._fail(call, run, code, f"The application did not answer {address}: {why}")
            return
        try:
            document = _read(reply, address)
            if run.purpose != "main" and not all(isinstance(verb, _BESIDE_ROOM) for verb in document):
                raise BadTwiml(
                    verbs.NOT_BESIDE_A_ROOM,
                    "Only Say, Play, Pause and Redirect can stand in a wait, hold or announcement document.",
                )
        except BadTwiml as error:
            self._fail(call, run, error.code, str(error))
            return
        run.url, run.verbs, run.at, run.begun = address, document, 0, True
        if run.purpose == "main" and not (document and isinstance(document[0], Reject)):
            self._answer(call)
        self._note_queued(call, document)
        self.go_on(call, run)

    def _note_queued(self, call: Call, document: tuple[Verb, ...]) -> None:
        if any(isinstance(verb, Dial) and not verb.start_on_enter for verb in document):
            self._exchange.journal.queued(call.sid)

    def _play(self, call: Call, run: Run, address: str, seconds: float | None, times: int, then: Callable[[], None]) -> None:
        if run.cancelled or call.ended or (run.gather is not None and (run.digits or run.words)):
            return
        if seconds is None:
            self._fail(call, run, verbs.NOT_AUDIO, f"There is no audio at {address}.")
            return
        self._exchange.perceive(call, "music", url=address)
        self._hear(call, run, seconds or _TUNE_S, times, then)

    def _hear(self, call: Call, run: Run, seconds: float, times: int, then: Callable[[], None]) -> None:
        if times > 0:
            self._recorder.words(call, run.url, seconds * times, kind=RECORDED_VOICE)
            self._later(run, seconds * times, then)

    def _out_of_verbs(self, call: Call, run: Run) -> None:
        """The call ends; a room's wait document leaves silence; an announcement is over."""
        if run.purpose == "main":
            self._end(call, "completed", "finished")
        elif run.purpose == "announce" and call.aside is run:
            call.aside = None
            self._exchange.perceive(call, "announcement", on=False)
            if call.seat is not None:
                self._exchange.report_room(call.seat.room, "announcement-end", call, AnnounceUrl=run.url)

    def _fail(self, call: Call, run: Run, code: int, message: str) -> None:
        """An application error ends the call, as with the real carrier; in a hold or announcement document it leaves silence."""
        run.cancel()
        self._exchange.perceive(call, "error", code=code, message=message)
        if run.purpose == "main":
            self._end(call, "completed" if call.answered_at is not None else "failed", "error")
        elif run.purpose == "wait" and not run.begun and code in (verbs.HTTP_FAILED, verbs.NO_CONNECTION):
            self._unwelcome(call)

    def _later(self, run: Run, seconds: float, then: Callable[[], None]) -> None:
        """Go on after so long, unless the run is cancelled meanwhile."""

        def wake() -> None:
            if not run.cancelled:
                run.hops = 0
                then()

        run.timer = self._exchange.after(seconds, wake)


def speaking_s(text: str, lang: str) -> float:
    """About how long a voice needs for `text`: four Chinese characters or fifteen letters a second."""
    return max(0.5, len(text) / (4.0 if lang.lower().startswith(("zh", "cmn")) else 15.0))


def _read(reply: Reply, address: str) -> tuple[Verb, ...]:
    """The document in an answer; audio is played and plain text is spoken, as with the real carrier."""
    kind = reply.content_type
    if kind in _DOCUMENTS:
        return script.parse(reply.body)
    if kind.startswith("audio/"):
        return (Play(address),)
    if kind == "text/plain":
        return (Say(reply.body, "en-US"),)
    raise BadTwiml(verbs.CONTENT_TYPE, f"The application answered {kind}, which is neither TwiML nor audio.")
