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
    "closure_in_line": {
        "zh": "您的位置为您保留，但暂时无法预计何时有人接听。",
        "en": "You keep your place in the line, though we cannot say when somebody will answer.",
    },
    "full": {
        "zh": "现在来电的人很多，暂时无法为您排队。",
        "en": "So many people are calling that we cannot put you in line just now.",
    },
    "in_writing": {
        "zh": "按照此前的约定，目前请您以书面方式与我们联系：您可以发邮件、在网站上填写表单或写信。您的问题我们照常办理。",
        "en": "As we have told you, for the time being please reach us in writing: by mail, by the form on our web site or by "
        "letter. We go on with your matter.",
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
    "comfort": {"zh": "感谢您的耐心等待。", "en": "Thank you for waiting."},
    "press_star": {
        "zh": "不想继续等待，请按星号键：我们可以保留您的位置给您回电，您也可以留言。",
        "en": "If you would rather not wait, press star: we can keep your place and call you back, or take a message.",
    },
    "press_star_message": {
        "zh": "不想继续等待，请按星号键留言。",
        "en": "If you would rather not wait, press star to leave a message.",
    },
    "long_wait": {
        "zh": "让您久等了。请按星号键，我们会保留您的位置并给您回电。",
        "en": "This takes longer than it should. Press star: we keep your place and call you back.",
    },
    "nobody_free": {"zh": "很抱歉，我们暂时无人能够接听。", "en": "We are sorry, nobody is free to take your call."},
    "leave_callback": {"zh": "保留位置由我们回电，请按 1。", "en": "To keep your place and be called back press 1."},
    "leave_message": {"zh": "留言请按 2。", "en": "To leave a message press 2."},
    "leave_stay": {"zh": "继续等待，请按其他任意键。", "en": "To stay in the line press any other key."},
    "place_as_before": {"zh": "好的，您的位置没有变。", "en": "You are back in the line; your place is as before."},
    "somebody_free": {"zh": "现在有人可以接听，马上为您接通。", "en": "Somebody is free for you now; connecting you."},
    "callback_number": {
        "zh": "我们将拨打{number}。确认请按 1，使用其他号码请按 2。",
        "en": "We will call {number}. To confirm press 1, for another number press 2.",
    },
    "callback_type": {
        "zh": "请输入您的电话号码，固定电话请加区号，以井号键结束。",
        "en": "Please enter your phone number with its area code, then press the hash key.",
    },
    "callback_bad_number": {"zh": "这个号码我们无法拨打。", "en": "We cannot call this number."},
    "callback_promised": {
        "zh": "好的，我们会在大约{minutes}分钟后拨打{number}，您的位置为您保留。再见。",
        "en": "We will call {number} in about {minutes} minutes. Your place is kept. Good-bye.",
    },
    "callback_promised_later": {
        "zh": "好的，轮到您时我们会拨打{number}，您的位置为您保留。再见。",
        "en": "We will call {number} when it is your turn. Your place is kept. Good-bye.",
    },
    "callback_planned": {
        "zh": "好的，我们会从{opens}起尽快拨打{number}。再见。",
        "en": "We will call {number} {opens} or soon after. Good-bye.",
    },
    "callback_impossible": {"zh": "很抱歉，现在无法安排回电。", "en": "We are sorry, we cannot arrange to call you back."},
    "place_kept": {
        "zh": "我们答应过给您回电，您的位置一直保留着，马上为您接通。",
        "en": "We had promised to call you back. Your place was kept; you are in the line again.",
    },
    "voicemail": {
        "zh": "请在提示音后留言，说完请按井号键。我们的工作时间为{hours}，届时会给您答复。",
        "en": "Please speak after the tone, and press the hash key at the end. Our hours are {hours}; we will answer then.",
    },
    "voicemail_thanks": {
        "zh": "谢谢，您的留言已收到，编号{number}。再见。",
        "en": "Thank you, we have your message. Its number is {number}. Good-bye.",
    },
    "voicemail_empty": {"zh": "没有听到留言。再见。", "en": "We did not hear a message. Good-bye."},
    "survey_begin": {
        "zh": "请用按键为本次服务评分，只有两个问题；直接挂机即可跳过，以后不想再被询问请按星号键。",
        "en": "Two short questions about this call, by the keys of your phone. Just hang up to skip them; press star never to be "
        "asked again.",
    },
    "survey_key": {"zh": "请按{least}到{most}，{most}为最好。", "en": "Press {least} to {most}; {most} is best."},
    "survey_keys": {
        "zh": "请按{least}到{most}，{most}为最好，以井号键结束。",
        "en": "Press {least} to {most}, {most} is best, and then the hash key.",
    },
    "survey_solved": {
        "zh": "您的问题解决了吗？解决了请按 1，没有解决请按 2。",
        "en": "Is your problem solved? For yes press 1, for no press 2.",
    },
    "survey_thanks": {"zh": "谢谢您的评价，再见。", "en": "Thank you for telling us. Good-bye."},
    "survey_never": {"zh": "好的，以后不再询问您。再见。", "en": "We will not ask you again. Good-bye."},
}

EXAMPLES: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "company": "蓝山电器", "hours": "周一至周五，上午九点到下午六点", "opens": "下周一上午九点", "number": "一一零",
        "reason": "机房停电", "time": "下午三点", "ahead": "4", "minutes": "6", "least": "1", "most": "5",
    },
    "en": {
        "company": "Blue Hill Appliances", "hours": "Monday to Friday, 9 in the morning to 6 in the evening",
        "opens": "on Monday at 9 in the morning", "number": "1 1 2", "reason": "a power cut", "time": "at 3 in the afternoon",
        "ahead": "4", "minutes": "6", "least": "1", "most": "5",
    },
}  # fmt: skip
"""What the names may stand for, to hear a text before callers do."""


def places_of(key: str) -> list[str]:
    """The names that a text can say."""
    return sorted(set().union(*(places_in(text) for text in TEXTS[key].values())))


def needs_words(key: str) -> bool:
    """Whether the text says something that is different each time, which no recording could say."""
    return bool(places_of(key)) and key != "greeting"
