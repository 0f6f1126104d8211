"""What callers hear, in both languages. A prompt is ((language, text), …); languages not yet known hear both."""

from __future__ import annotations

Prompts = tuple[tuple[str, str], ...]

_TEXTS: dict[str, dict[str, str]] = {
    "recording": {
        "zh": "为保证服务质量，本次通话将被录音。",
        "en": "This call may be recorded for quality and as a record.",
    },
    "waiting": {
        "zh": "前面约有{ahead}位，预计等待{minutes}分钟。请不要挂机。",
        "en": "About {ahead} people are ahead of you, some {minutes} minutes. Please stay on the line.",
    },
    "ahead": {
        "zh": "前面约有{ahead}位。请不要挂机。",
        "en": "About {ahead} people are ahead of you. Please stay on the line.",
    },
    "next": {"zh": "您是下一位，很快就有人接听。", "en": "You are next; somebody will be with you shortly."},
    "back_in_line": {
        "zh": "通话中断了，我们马上为您重新接通。",
        "en": "We lost your agent's line. Please hold, we are connecting you again at once.",
    },
    "hold": {"zh": "请您稍等片刻。", "en": "One moment, please."},
    "closed": {
        "zh": "现在是非工作时间。您可以在网站上留言或提交投诉，我们会在下一个工作日联系您。再见。",
        "en": "We are closed now. You can leave a message or a complaint on our web site, and we will contact you on the next "
        "working day. Good-bye.",
    },
}


def prompts(key: str, locale: str = "", **values: object) -> Prompts:
    """The text in the caller's language, or in both when it is not known."""
    texts = _TEXTS[key]
    return tuple((lang, texts[lang].format(**values)) for lang in ((locale,) if locale in texts else texts))
