"""What callers hear, as it is built in; an administrator may write it otherwise or upload audio.

The Chinese is written, not translated. A name in braces stands for what is different each time.
"""

from __future__ import annotations

from collections.abc import Mapping

from desk.letter_texts import filled, places_in

__all__ = ["EXAMPLES", "LANGUAGES", "TEXTS", "filled", "needs_words", "places_in", "places_of"]

LANGUAGES = ("zh", "en")

TEXTS: Mapping[str, Mapping[str, str]] = {
    "greeting": {"zh": "您好，欢迎致电{company}。", "en": "Welcome to {company}."},
    "other_language": {"zh": "中文服务，请按星号键。", "en": "For English, press star."},
    "nothing_heard": {"zh": "没有听到您的选择。", "en": "We did not hear a choice."},
    "not_an_option": {"zh": "没有这个选项。", "en": "That is not one of the options."},
    "connecting": {"zh": "正在为您转接。", "en": "Connecting you now."},
    "recording": {
        "zh": "为保证服务质量，本次通话将被录音；不希望录音请按 9。",
        "en": "Calls are recorded for quality and as a record. For a line without recording press 9.",
    },
    "recorded": {"zh": "本次通话将被录音。", "en": "This call is recorded."},
    "not_recorded": {"zh": "好的，本次通话不会被录音。", "en": "This call will not be recorded."},
    "closed": {
        "zh": "现在是非工作时间，工作时间为{hours}。{opens}恢复服务。",
        "en": "We are closed now; our hours are {hours}. We are back {opens}.",
    },
    "emergency": {"zh": "紧急情况请拨{number}。", "en": "In an emergency call {number}."},
    "closure": {
        "zh": "因{reason}，热线暂停，预计{time}恢复。已受理事项不受影响，时限照常计算。",
        "en": "Because of {reason} our lines are closed, expected back {time}. Matters already with us go on; deadlines "
        "still run.",
    },
    "closure_open_end": {
        "zh": "因{reason}，热线暂停，恢复时间另行通知。已受理事项不受影响，时限照常计算。",
        "en": "Because of {reason} our lines are closed for now. Matters already with us go on; deadlines still run.",
    },
    "full": {
        "zh": "现在来电的人很多，暂时无法为您排队。",
        "en": "So many people are calling that we cannot put you in line just now.",
    },
    "offer_voicemail": {"zh": "留言请按 1。", "en": "To leave a message press 1."},
    "offer_callback": {"zh": "希望我们给您回电，请按 2。", "en": "To be called back press 2."},
    "other_ways": {
        "zh": "您也可以在我们的网站上留言或提交投诉。再见。",
        "en": "You can also leave a message or a complaint on our web site. Good-bye.",
    },
    "refused": {
        "zh": "很抱歉，我们无法接听这个号码的来电。您可以写信给我们。再见。",
        "en": "We are sorry, we cannot take calls from this number. You can write to us. Good-bye.",
    },
    "transferring": {"zh": "正在为您转接，请稍候。", "en": "We are putting you through, one moment."},
    "not_reached": {
        "zh": "对方暂时无人接听，正在为您转接我们的同事。",
        "en": "Nobody answers there. We are connecting you to one of us.",
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
}

EXAMPLES: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "company": "蓝山电器", "hours": "周一至周五，上午九点到下午六点", "opens": "下周一上午九点", "number": "一一零",
        "reason": "机房停电", "time": "下午三点", "ahead": "4", "minutes": "6",
    },
    "en": {
        "company": "Blue Hill Appliances", "hours": "Monday to Friday, 9 in the morning to 6 in the evening",
        "opens": "on Monday at 9 in the morning", "number": "1 1 2", "reason": "a power cut", "time": "at 3 in the afternoon",
        "ahead": "4", "minutes": "6",
    },
}  # fmt: skip
"""What the names may stand for, to hear a text before callers do."""


def places_of(key: str) -> list[str]:
    """The names that a text can say."""
    return sorted(set().union(*(places_in(text) for text in TEXTS[key].values())))


def needs_words(key: str) -> bool:
    """Whether the text says something that is different each time, which no recording could say."""
    return bool(places_of(key)) and key != "greeting"
