"""Carries out TwiML documents for a call, verb by verb, in simulated time."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urljoin

from channels.voice.simulated import script
from channels.voice.simulated.exchange import Exchange
from channels.voice.simulated.script import BadTwiml, Dial, Gather, Hangup, Pause, Play, Redirect, Reject, Say
from channels.voice.simulated.state import Call, Run
from channels.voice.simulated.webhooks import Reply

_MOST_HOPS = 100
_TUNE_S = 30.0
# A room asks for its wait document again when that has ended; never faster than this.
_AGAIN_S = 1.0
_BESIDE_ROOM = (Say, Play, Pause, Redirect)


class Player:
    """All methods are called with the exchange's lock held.

    `answer(call)` is called before the first verb that takes the call, `dial(call, verb)` when the call goes to a room,
    `end(call, status, reason)` when the document hangs up or fails.
    """

    def __init__(
        self,
        exchange: Exchange,
        *,
        answer: Callable[[Call], None],
        dial: Callable[[Call, Dial], None],
        end: Callable[[Call, str, str], None],
    ) -> None:
        self._exchange = exchange
        self._answer = answer
        self._dial = dial
        self._end = end

    def fetch(self, call: Call, run: Run, url: str, **more: str) -> None:
        """Ask `url` (relative to the document that is running) for the next document of this run and carry it out."""
        run.verbs, run.at, run.gather = (), 0, None
        run.hops += 1
        if run.hops > _MOST_HOPS:
            self._fail(call, run, script.SCHEMA, "The documents lead to one another without end.")
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
                self._sound(call, run, verb, lambda: self.go_on(call, run))
            case Gather():
                run.gather, run.digits = verb, ""
                self._exchange.perceive(call, "gather", num_digits=verb.num_digits, finish_on_key=verb.finish_on_key)
                self._prompt(call, run, verb, 0)
            case Redirect():
                self.fetch(call, run, verb.url)
            case Dial():
                self._dial(call, verb)
            case Hangup():
                self._end(call, "completed", "finished")
            case Reject():
                self._end(call, "busy" if verb.reason == "busy" else "no-answer", "rejected")

    def press(self, call: Call, run: Run, digit: str) -> bool:
        """Take a key. False when nothing was listening for keys."""
        gather = run.gather
        if gather is None or run.cancelled:
            return False
        if run.timer is not None:
            run.timer.cancel()
        if digit == gather.finish_on_key:
            self._submit(call, run, gather)
            return True
        run.digits += digit
        if gather.num_digits is not None and len(run.digits) >= gather.num_digits:
            self._submit(call, run, gather)
        else:
            self._wait_for_key(call, run, gather)
        return True

    def _begin(self, call: Call, run: Run, address: str, reply: Reply) -> None:
        if run.cancelled or call.ended:
            return
        if not reply.ok:
            why = f"status {reply.status}" if reply.status else reply.body
            self._fail(call, run, script.HTTP_FAILED, f"The application did not answer {address}: {why}")
            return
        try:
            verbs = script.parse(reply.body)
            if run.purpose != "main" and not all(isinstance(verb, _BESIDE_ROOM) for verb in verbs):
                raise BadTwiml(
                    script.NOT_BESIDE_A_ROOM, "Only Say, Play, Pause and Redirect can stand in a wait or hold document."
                )
        except BadTwiml as error:
            self._fail(call, run, error.code, str(error))
            return
        run.url, run.verbs, run.at = address, verbs, 0
        if run.purpose == "main" and not (verbs and isinstance(verbs[0], Reject)):
            self._answer(call)
        self.go_on(call, run)

    def _sound(self, call: Call, run: Run, verb: Say | Play | Pause, then: Callable[[], None]) -> None:
        """Let the caller hear it, and go on when it is over."""
        match verb:
            case Say():
                self._exchange.perceive(call, "say", text=verb.text, lang=verb.lang)
                seconds, times = speaking_s(verb.text, verb.lang), verb.loop
            case Play():
                self._exchange.perceive(call, "music", url=verb.url)
                seconds, times = _TUNE_S, verb.loop
            case Pause():
                seconds, times = float(verb.seconds), 1
        if times > 0:
            self._later(run, seconds * times, then)

    def _prompt(self, call: Call, run: Run, gather: Gather, index: int) -> None:
        if run.gather is not gather:
            return
        if index < len(gather.prompts):
            self._sound(call, run, gather.prompts[index], lambda: self._prompt(call, run, gather, index + 1))
        else:
            self._wait_for_key(call, run, gather)

    def _wait_for_key(self, call: Call, run: Run, gather: Gather) -> None:
        self._later(run, float(gather.timeout_s), lambda: self._silence(call, run, gather))

    def _silence(self, call: Call, run: Run, gather: Gather) -> None:
        if run.gather is not gather:
            return
        if run.digits or gather.post_silence:
            self._submit(call, run, gather)
        else:
            run.gather = None
            self.go_on(call, run)

    def _submit(self, call: Call, run: Run, gather: Gather) -> None:
        self.fetch(call, run, gather.action, Digits=run.digits, msg="Gather End")

    def _out_of_verbs(self, call: Call, run: Run) -> None:
        if run.purpose == "main":
            self._end(call, "completed", "finished")
        elif run.purpose == "wait":
            self._later(run, _AGAIN_S, lambda: self.fetch(call, run, ""))

    def _fail(self, call: Call, run: Run, code: int, message: str) -> None:
        """An application error ends the call, as with the real carrier; in a wait or hold document it only leaves silence."""
        run.cancel()
        self._exchange.perceive(call, "error", code=code, message=message)
        if run.purpose == "main":
            self._end(call, "completed" if call.answered_at is not None else "failed", "error")

    def _later(self, run: Run, seconds: float, then: Callable[[], None]) -> None:
        def wake() -> None:
            if not run.cancelled:
                run.hops = 0
                then()

        run.timer = self._exchange.after(seconds, wake)


def speaking_s(text: str, lang: str) -> float:
    """About how long a voice needs for `text`: four Chinese characters or fifteen letters a second."""
    return max(0.5, len(text) / (4.0 if lang.lower().startswith(("zh", "cmn")) else 15.0))
