"""The texts of the letters that the desk writes by itself, as they are built in; an administrator may write them otherwise.

They go to customers in the customer's language, whatever the language of the page or person that caused them. The Chinese is
written, not translated. A name in braces stands for what is different in each letter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

LANGUAGES = ("en", "zh")
_PLACE = re.compile(r"\{([a-z_]*)\}")


def places_in(text: str) -> set[str]:
    """The names in braces that the text has."""
    return set(_PLACE.findall(text))


def places_of(kind: str) -> list[str]:
    """What a letter can say beyond its fixed words: what the built-in texts say, and the number of the ticket."""
    return sorted({"number"}.union(*(places_in(part) for pair in LETTERS[kind].values() for part in pair)))


def filled(text: str, values: Mapping[str, str | int]) -> str:
    """The text with each name replaced once: what a customer wrote is never taken for a name."""
    return _PLACE.sub(lambda found: str(values.get(found[1], found[0])), text)


def has_subject(kind: str) -> bool:
    """Whether it goes by mail; the others are lines in a chat."""
    return bool(LETTERS[kind]["en"][0])


# Without these a letter does not do what it is for.
NEEDED = {
    "received": ("number",),
    "reminder": ("number",),
    "acknowledgement": ("number", "decide_by", "link"),
    "decision": ("outcome", "decision", "link"),
    "follow_up": ("link",),
    "extension": ("decide_by", "reason"),
    "holding": ("decide_by", "reason", "rights", "link"),
    "paused": ("decide_by", "reason", "link"),
    "summary": ("link",),
    "not_reached": ("link",),
    "notice": ("reason", "decide_by", "link"),
    "status_link": ("link",),
    "retyped": ("reason",),
    "survey": ("link",),
    "survey_line": ("link",),
    "survey_reminder": ("link",),
    "chat_transcript": ("conversation",),
}

OUTCOMES = {
    "upheld": {"en": "You were right: we uphold your complaint.", "zh": "您反映的情况属实，投诉成立。"},
    "partly_upheld": {
        "en": "You were right in part: we uphold your complaint in part.",
        "zh": "您反映的情况部分属实，投诉部分成立。",
    },
    "not_upheld": {
        "en": "We looked into it with care and do not uphold your complaint.",
        "zh": "经核实，您反映的情况不属实，投诉不成立。",
    },
    "resolved_early": {"en": "We settled the matter with you.", "zh": "问题已与您协商解决。"},
    "withdrawn": {"en": "You withdrew your complaint.", "zh": "您已撤回投诉。"},
}

LETTERS = {
    "received": {
        "en": (
            "We have your message [#{number}]",
            """Thank you for writing to us. We have your message:
{subject}

Your number: {number}

One of us will answer you. If you have something to add, simply answer this mail.""",
        ),
        "zh": (
            "您的来信已收到 [#{number}]",
            """您好！您的来信我们已经收到：
{subject}

受理编号：{number}

我们会尽快回复您。如需补充，直接回复本邮件即可。""",
        ),
    },
    "reminder": {
        "en": (
            "We still need an answer from you [#{number}]",
            """We asked you something and cannot go on without your answer:
{subject}

Please answer this mail, whenever it suits you. If the matter is settled, you need do nothing: we end it after a while, and open
it again when you write to us.

Your number: {number}""",
        ),
        "zh": (
            "等待您的答复 [#{number}]",
            """您好！关于以下问题，我们曾向您询问，需要您的答复才能继续处理：
{subject}

方便时请直接回复本邮件。如果问题已经解决，则无需理会：一段时间后我们会结束处理，您再次来信时会重新打开。

受理编号：{number}""",
        ),
    },
    "acknowledgement": {
        "en": (
            "We have your complaint [#{number}]",
            """Thank you for telling us. We have your complaint and will look into it.

Your number: {number}
You get our answer by: {decide_by}

What you wrote to us:
{statement}

See how far we are, or add something, at any time:
{link}
Anyone with this link can read your complaint, so please keep it to yourself.

What happens next: one of us reads your complaint, finds out what happened and writes to you with a decision and the reasons.
If you are not content with it, you can have it looked at again by somebody else.

You can also simply answer this mail.""",
        ),
        "zh": (
            "您的投诉已收到 [#{number}]",
            """您好！感谢您告诉我们。您的投诉已经登记，我们会认真核查。

投诉编号：{number}
最迟答复日期：{decide_by}

您反映的情况：
{statement}

随时可以通过下面的链接查看进度、补充材料：
{link}
凭此链接可以看到您的投诉内容，请勿转发给他人。

接下来：专人会阅读您的投诉、核实情况，并把处理结果和理由书面告诉您。
如果您对结果不满意，可以要求由另一位同事重新处理。

您也可以直接回复本邮件。""",
        ),
    },
    "decision": {
        "en": (
            "Our decision on your complaint [#{number}]",
            """We have looked into your complaint {number} of {received}.

{outcome}

{decision}

If you are not content, tell us within 30 days, by answering this mail or here; somebody who has not dealt with your complaint
will then look at it again:
{link}

In a few days a colleague will ask you whether the matter is settled for you.""",
        ),
        "zh": (
            "您的投诉处理结果 [#{number}]",
            """您好！您于{received}提出的投诉（编号 {number}）已经处理完毕。

{outcome}

{decision}

如果您对结果不满意，请在 30 天内回复本邮件，或打开下面的链接告诉我们，我们会安排未参与处理的同事重新核查：
{link}

过几天会有另一位同事回访，了解问题是否真正解决。""",
        ),
    },
    "retyped": {
        "en": (
            "About your complaint [#{number}]",
            """We had recorded your message of {received} as a complaint, number {number}. Having read it with care, we think that
you did not mean it as one:

{reason}

We go on with what you asked us about, under the same number. Nothing is lost.

If you are not content, now or later, simply tell us by answering this mail: it is recorded as a complaint then, with a number and
dates of its own, and you are treated none the worse for it.""",
        ),
        "zh": (
            "关于您的投诉 [#{number}]",
            """您好！您于{received}反映的事项，我们曾登记为投诉（编号 {number}）。经仔细阅读，我们认为您并非要投诉，原因如下：

{reason}

您咨询的事项仍按原编号继续办理，不会遗漏。

如果您对我们的产品或服务不满意，随时可以回复本邮件告诉我们，我们会另行登记为投诉，给出新的编号和答复期限，
不会因此对您有任何不利影响。""",
        ),
    },
    "follow_up": {
        "en": (
            "Is your complaint settled? [#{number}]",
            """We sent you our decision on your complaint {number}. Is the matter settled for you?

Please tell us here; it takes a moment:
{link}

If it is not, somebody else will look at it again.""",
        ),
        "zh": (
            "您的投诉是否已经解决？[#{number}]",
            """您好！我们已将投诉 {number} 的处理结果发给您。您的问题解决了吗？

请花一点时间告诉我们：
{link}

如果没有解决，我们会安排另一位同事重新处理。""",
        ),
    },
    "extension": {
        "en": (
            "We need longer for your complaint [#{number}]",
            """We have not finished looking into your complaint {number}, and want to do so with care. This is why:

{reason}

You get our answer by: {decide_by}

See how far we are, or add something, at any time:
{link}

If you do not agree with the delay, tell us there, or answer this mail.""",
        ),
        "zh": (
            "您的投诉需延长处理时间 [#{number}]",
            """您好！您的投诉 {number} 仍在调查中，为了查清事实，我们需要更多时间。原因如下：

{reason}

最迟答复日期延至：{decide_by}

随时可以通过下面的链接查看进度、补充材料：
{link}

如果您不同意延期，请在该页面告诉我们，或直接回复本邮件。""",
        ),
    },
    "holding": {
        "en": (
            "We have not decided on your complaint yet [#{number}]",
            """We have not finished looking into your complaint {number} of {received}, and are sorry that it takes so long.
This is why:

{reason}

You get our answer by: {decide_by}

You need not wait for it. {rights}

See how far we are, or add something, at any time:
{link}""",
        ),
        "zh": (
            "您的投诉尚未作出处理决定 [#{number}]",
            """您好！您于 {received} 提出的投诉 {number} 尚未处理完毕，让您久等了，我们深表歉意。原因如下：

{reason}

我们最迟于 {decide_by} 答复您。

您也可以不必等待。{rights}

随时可以通过下面的链接查看进度、补充材料：
{link}""",
        ),
    },
    "paused": {
        "en": (
            "Your complaint waits for something [#{number}]",
            """We cannot go on with your complaint {number} just now. This is what we wait for:

{reason}

The days until then do not count. As it stands, you get our answer by: {decide_by}. If it comes sooner, so does our answer.

Add what is missing, or see how far we are, here:
{link}""",
        ),
        "zh": (
            "您的投诉处理暂停计时 [#{number}]",
            """您好！您的投诉 {number} 目前需要等待以下事项：

{reason}

等待期间不计入处理期限。按目前情况，最迟于 {decide_by} 答复您；如提前收到，答复也会相应提前。

请通过下面的链接补充材料或查看进度：
{link}""",
        ),
    },
    "summary": {
        "en": (
            "What we agreed on your complaint [#{number}]",
            """Thank you for settling your complaint {number} of {received} with us. This is what we agreed:

{decision}

If it is not settled after all, tell us within 30 days, by answering this mail or here; somebody else looks into it then:
{link}

{rights}""",
        ),
        "zh": (
            "关于您的投诉的协商结果 [#{number}]",
            """您好！您于 {received} 提出的投诉 {number} 已与您协商一致，结果如下：

{decision}

如果问题实际上没有解决，请在 30 天内直接回复本邮件，或通过下面的链接告诉我们，我们会安排另一位同事重新处理：
{link}

{rights}""",
        ),
    },
    "notice": {
        "en": (
            "News on your complaint [#{number}]",
            """Your complaint {number} is about something that others have told us of, too. This is how it stands:

{reason}

Your complaint stays your own: you get our decision on it by {decide_by}. See how far we are, or add something, at any time:
{link}""",
        ),
        "zh": (
            "您的投诉有新进展 [#{number}]",
            """您好！您的投诉（编号 {number}）所反映的情况，其他客户也有反映。目前进展如下：

{reason}

您的投诉仍单独处理，我们最迟于{decide_by}把处理结果告诉您。随时可以查看进度或补充材料：
{link}""",
        ),
    },
    "not_reached": {
        "en": (
            "We could not reach you about your complaint [#{number}]",
            """We tried three times to ask whether your complaint {number} is settled, and could not reach you.
We have closed it for now.

If anything is still open, tell us within 30 days and we go on where we stopped:
{link}""",
        ),
        "zh": (
            "关于您的投诉，我们未能联系上您 [#{number}]",
            """您好！为了解投诉 {number} 是否已经解决，我们联系了您三次，均未联系上，现暂作结案处理。

如果仍有未解决的问题，请在 30 天内告诉我们，我们会继续处理：
{link}""",
        ),
    },
    "status_link": {
        "en": (
            "Your complaint [#{number}]: the link to follow it",
            """You asked how your complaint {number} stands. You see it here:
{link}

Anyone with this link can read your complaint, so please keep it to yourself.
If you did not ask for it, you need not do anything.""",
        ),
        "zh": (
            "查看投诉进度的链接 [#{number}]",
            """您好！您想了解投诉 {number} 的进度，请打开下面的链接：
{link}

凭此链接可以看到您的投诉内容，请勿转发给他人。如果您没有提出过这个请求，无需理会本邮件。""",
        ),
    },
    "survey": {
        "en": (
            "How was it? [#{number}]",
            """We marked your request as solved:
{subject}

Is it? Please tell us in two clicks:
{link}

If it is not solved, say so there, or answer this mail, and we go on with it.

You would rather not be asked by mail? Tell us here:
{leave}""",
        ),
        "zh": (
            "请评价本次服务 [#{number}]",
            """您好！您的问题我们已按“已解决”处理：
{subject}

真的解决了吗？请点开链接告诉我们，只需两步：
{link}

如果还没有解决，请在页面中选择“没有解决”，或直接回复本邮件，我们会继续处理。

如果不想再收到评价邮件，请点这里：
{leave}""",
        ),
    },
    "survey_reminder": {
        "en": (
            "A reminder: how was it? [#{number}]",
            """A few days ago we asked how content you are with how we handled this:
{subject}

If you would still tell us, it takes two clicks:
{link}

We ask this once more and then no more. You would rather not be asked by mail at all? Tell us here:
{leave}""",
        ),
        "zh": (
            "提醒：请评价本次服务 [#{number}]",
            """您好！几天前，我们请您评价以下问题的处理情况：
{subject}

如果您还愿意告诉我们，只需两步：
{link}

这是最后一次提醒。如果不想再收到评价邮件，请点这里：
{leave}""",
        ),
    },
    "survey_line": {
        "en": ("", "How was it? Tell us in two clicks: {link}"),
        "zh": ("", "请为本次服务打分，只需两步：{link}"),
    },
    "chat_transcript": {
        "en": (
            "Our chat [#{number}]",
            """Thank you for chatting with us. This is what was said, so that you have it:

{conversation}

If anything is still open, simply answer this mail, and we go on where we stopped.""",
        ),
        "zh": (
            "您与客服的对话记录 [#{number}]",
            """您好！感谢您联系我们。以下是本次对话的记录，供您留存：

{conversation}

如果还有问题没有解决，直接回复本邮件即可，我们会接着为您处理。""",
        ),
    },
}

# What stands for a customer's words and dates when a letter is looked at before it is saved.
EXAMPLES = {
    "en": {
        "number": 10042,
        "subject": "The router is dead",
        "decide_by": "4 December 2026",
        "statement": "Nobody called me back.",
        "link": "https://desk.example/…",
        "received": "20 November 2026",
        "outcome": "You were right: we uphold your complaint.",
        "decision": "The call back was promised and not made. We are sorry, and refund the month.",
        "reason": "The network operator has not answered us yet.",
        "rights": "You may turn to the ombudsman free of charge, within six months of the date of this letter.",
        "leave": "https://desk.example/…/leave",
        "conversation": "[2026-11-20 10:02] You: Where is my parcel?\n[2026-11-20 10:03] Dan: It comes tomorrow.",
    },
    "zh": {
        "number": 10042,
        "subject": "路由器无法使用",
        "decide_by": "2026年12月4日",
        "statement": "没有人给我回电话。",
        "link": "https://desk.example/…",
        "received": "2026年11月20日",
        "outcome": "您反映的情况属实，投诉成立。",
        "decision": "承诺的回电没有执行。我们深表歉意，并退还当月费用。",
        "reason": "网络运营商尚未答复我们。",
        "rights": "您可以在本函日期起六个月内免费向申诉专员提出申诉。",
        "leave": "https://desk.example/…/leave",
        "conversation": "[2026-11-20 10:02] 您：我的包裹到哪里了？\n[2026-11-20 10:03] 小丹：明天送到。",
    },
}
