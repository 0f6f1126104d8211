"""The verb `Gather`: keys and words, prompts that they interrupt, silence."""

from __future__ import annotations

from collections.abc import Callable

from channels.voice.simulated.exchange import Exchange
from channels.voice.simulated.state import Call, Run
from channels.voice.simulated.verbs import Gather, Verb

# How long a pause ends a sentence when the document leaves it to the carrier.
_SENTENCE_S = 1.0
_CONFIDENCE = "0.9"

Sound = Callable[[Call, Run, Verb, Callable[[], None]], None]


class Gathering:
    """All methods are called with the exchange's lock held. `submit(call, run, url, **form)` asks for the next document."""

    def __init__(
        self, exchange: Exchange, *, sound: Sound, submit: Callable[..., None], go_on: Callable[[Call, Run], None]
    ) -> None:
        self._exchange = exchange
        self._sound = sound
        self._submit_to = submit
        self._go_on = go_on

    def begin(self, call: Call, run: Run, gather: Gather) -> None:
        run.gather, run.digits, run.words = gather, "", ""
        told = {"num_digits": gather.num_digits, "finish_on_key": gather.finish_on_key, "speech": gather.speech}
        self._exchange.perceive(call, "gather", **told)
        self._prompt(call, run, gather, 0)

    def press(self, call: Call, run: Run, digit: str) -> bool:
        """Take a key. False when nothing was listening for keys."""
        gather = run.gather
        if gather is None or run.cancelled or not gather.keys:
            return False
        _stop_timer(run)
        if digit == gather.finish_on_key:
            self._submit(call, run, gather)
            return True
        run.digits += digit
        if gather.num_digits is not None and len(run.digits) >= gather.num_digits:
            self._submit(call, run, gather)
        else:
            self._wait(call, run, gather, gather.timeout_s)
        return True

    def say(self, call: Call, run: Run, text: str) -> bool:
        """Take words. False when nothing was listening for words; whoever has pressed a key already is not listened to."""
        gather = run.gather
        if gather is None or run.cancelled or not gather.speech or run.digits:
            return False
        _stop_timer(run)
        run.words = f"{run.words} {text}".strip()
        if gather.partial_url:
            self._report_partial(call, run, gather)
        self._wait(call, run, gather, gather.speech_timeout_s or _SENTENCE_S)
        return True

    def _prompt(self, call: Call, run: Run, gather: Gather, index: int) -> None:
        if run.gather is not gather or run.digits or run.words:
            return
        if index < len(gather.prompts):
            self._sound(call, run, gather.prompts[index], lambda: self._prompt(call, run, gather, index + 1))
        else:
            self._wait(call, run, gather, gather.timeout_s)

    def _wait(self, call: Call, run: Run, gather: Gather, seconds: float) -> None:
        def silence() -> None:
            if run.cancelled or run.gather is not gather:
                return
            run.hops = 0
            if run.digits or run.words or gather.post_silence:
                self._submit(call, run, gather)
            else:
                run.gather = None
                self._go_on(call, run)

        run.timer = self._exchange.after(float(seconds), silence)

    def _submit(self, call: Call, run: Run, gather: Gather) -> None:
        if run.words and not run.digits:
            form = {"SpeechResult": run.words, "Confidence": _CONFIDENCE, "Language": gather.lang}
        else:
            form = {"Digits": run.digits, "msg": "Gather End"}
        self._submit_to(call, run, gather.action, **form)

    def _report_partial(self, call: Call, run: Run, gather: Gather) -> None:
        form = {
            "UnstableSpeechResult": run.words,
            "StableSpeechResult": "",
            "Stability": "0.5",
            "SequenceNumber": str(call.heard),
        }
        self._exchange.tell_about(call, run.url, gather.partial_url, form)


def _stop_timer(run: Run) -> None:
    if run.timer is not None:
        run.timer.cancel()
