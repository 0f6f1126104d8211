"""Letters that the desk writes by itself: their texts in both languages, and putting them into the outbox.

They go to customers in the customer's language, whatever the language of the page or person that caused them. The Chinese is
written, not translated.
"""

from __future__ import annotations

from desk.actions.mail_heads import new_message_id
from desk.actions.outbox import queue_mail
from desk.actions.tickets import add_message
from desk.models import Message, Ticket
from desk.models.message import OUT
from desk.store import Tx


def send_letter(
    tx: Tx,
    ticket: Ticket,
    address: str,
    kind: str,
    *,
    on_record: bool = False,
    automatic: bool = True,
    in_reply_to: str = "",
    **values: str | int,
) -> None:
    """Queue the letter `kind` to the customer of this ticket, in the ticket's language.

    `on_record` puts it on the ticket's timeline (and the status page) too, where it shows whether it was delivered.
    `automatic` mails carry no return path, and ask not to be answered by machines. `in_reply_to` names the mail
    that it answers.
    """
    subject, text = write(kind, ticket.locale, number=ticket.number or 0, **values)
    message_id = new_message_id(tx)
    message = _record(tx, ticket, address, subject, text, message_id) if on_record else None
    payload = {
        "kind": "letter",
        "to": [address],
        "subject": subject,
        "text": text,
        "ticket_number": ticket.number,
        "message_id": message_id,
        "in_reply_to": in_reply_to,
    }
    queue_mail(tx, ticket_id=ticket.id, message=message, payload=payload, automatic=automatic)


def write(kind: str, locale: str, **values: str | int) -> tuple[str, str]:
    """Subject and text of a letter. Locales other than `zh` are written in English."""
    subject, text = LETTERS[kind]["zh" if locale == "zh" else "en"]
    return subject % values, text % values


def outcome_in_words(outcome: str, locale: str) -> str:
    """What was decided, as a sentence in a letter."""
    return OUTCOMES[outcome]["zh" if locale == "zh" else "en"]


def _record(tx: Tx, ticket: Ticket, address: str, subject: str, text: str, message_id: str) -> Message:
    message = Message(
        channel="email",
        direction=OUT,
        customer_id=ticket.customer_id,
        from_address=tx.settings.mail_from,
        to=[address],
        subject=subject,
        text=text,
        reply_text=text,
        mail_message_id=message_id,
        meta={"letter": True},
    )
    return add_message(tx, ticket, message)


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
            "We have your message [#%(number)s]",
            """Thank you for writing to us. We have your message:
%(subject)s

Your number: %(number)s

One of us will answer you. If you have something to add, simply answer this mail.""",
        ),
        "zh": (
            "您的来信已收到 [#%(number)s]",
            """您好！您的来信我们已经收到：
%(subject)s

受理编号：%(number)s

我们会尽快回复您。如需补充，直接回复本邮件即可。""",
        ),
    },
    "acknowledgement": {
        "en": (
            "We have your complaint [#%(number)s]",
            """Thank you for telling us. We have your complaint and will look into it.

Your number: %(number)s
You get our answer by: %(decide_by)s

What you wrote to us:
%(statement)s

See how far we are, or add something, at any time:
%(link)s
Anyone with this link can read your complaint, so please keep it to yourself.

What happens next: one of us reads your complaint, finds out what happened and writes to you with a decision and the reasons.
If you are not content with it, you can have it looked at again by somebody else.

You can also simply answer this mail.""",
        ),
        "zh": (
            "您的投诉已收到 [#%(number)s]",
            """您好！感谢您告诉我们。您的投诉已经登记，我们会认真核查。

投诉编号：%(number)s
最迟答复日期：%(decide_by)s

您反映的情况：
%(statement)s

随时可以通过下面的链接查看进度、补充材料：
%(link)s
凭此链接可以看到您的投诉内容，请勿转发给他人。

接下来：专人会阅读您的投诉、核实情况，并把处理结果和理由书面告诉您。
如果您对结果不满意，可以要求由另一位同事重新处理。

您也可以直接回复本邮件。""",
        ),
    },
    "decision": {
        "en": (
            "Our decision on your complaint [#%(number)s]",
            """We have looked into your complaint %(number)s of %(received)s.

%(outcome)s

%(decision)s

If you are not content, tell us within 30 days, by answering this mail or here; somebody who has not dealt with your complaint
will then look at it again:
%(link)s

In a few days a colleague will ask you whether the matter is settled for you.""",
        ),
        "zh": (
            "您的投诉处理结果 [#%(number)s]",
            """您好！您于%(received)s提出的投诉（编号 %(number)s）已经处理完毕。

%(outcome)s

%(decision)s

如果您对结果不满意，请在 30 天内回复本邮件，或打开下面的链接告诉我们，我们会安排未参与处理的同事重新核查：
%(link)s

过几天会有另一位同事回访，了解问题是否真正解决。""",
        ),
    },
    "follow_up": {
        "en": (
            "Is your complaint settled? [#%(number)s]",
            """We sent you our decision on your complaint %(number)s. Is the matter settled for you?

Please tell us here; it takes a moment:
%(link)s

If it is not, somebody else will look at it again.""",
        ),
        "zh": (
            "您的投诉是否已经解决？[#%(number)s]",
            """您好！我们已将投诉 %(number)s 的处理结果发给您。您的问题解决了吗？

请花一点时间告诉我们：
%(link)s

如果没有解决，我们会安排另一位同事重新处理。""",
        ),
    },
    "not_reached": {
        "en": (
            "We could not reach you about your complaint [#%(number)s]",
            """We tried three times to ask whether your complaint %(number)s is settled, and could not reach you.
We have closed it for now.

If anything is still open, tell us within 30 days and we go on where we stopped:
%(link)s""",
        ),
        "zh": (
            "关于您的投诉，我们未能联系上您 [#%(number)s]",
            """您好！为了解投诉 %(number)s 是否已经解决，我们联系了您三次，均未联系上，现暂作结案处理。

如果仍有未解决的问题，请在 30 天内告诉我们，我们会继续处理：
%(link)s""",
        ),
    },
    "status_link": {
        "en": (
            "Your complaint [#%(number)s]: the link to follow it",
            """You asked how your complaint %(number)s stands. You see it here:
%(link)s

Anyone with this link can read your complaint, so please keep it to yourself.
If you did not ask for it, you need not do anything.""",
        ),
        "zh": (
            "查看投诉进度的链接 [#%(number)s]",
            """您好！您想了解投诉 %(number)s 的进度，请打开下面的链接：
%(link)s

凭此链接可以看到您的投诉内容，请勿转发给他人。如果您没有提出过这个请求，无需理会本邮件。""",
        ),
    },
    "survey": {
        "en": (
            "How was it? [#%(number)s]",
            """We marked your request as solved:
%(subject)s

Is it? Please tell us in two clicks:
%(link)s

If it is not solved, say so there, or answer this mail, and we go on with it.""",
        ),
        "zh": (
            "请评价本次服务 [#%(number)s]",
            """您好！您的问题我们已按“已解决”处理：
%(subject)s

真的解决了吗？请点开链接告诉我们，只需两步：
%(link)s

如果还没有解决，请在页面中选择“没有解决”，或直接回复本邮件，我们会继续处理。""",
        ),
    },
    "survey_line": {
        "en": ("", "How was it? Tell us in two clicks: %(link)s"),
        "zh": ("", "请为本次服务打分，只需两步：%(link)s"),
    },
}
