"""Canned replies of the demo company."""

from __future__ import annotations

from typing import Any

from desk.models import CannedReply
from desk.store import Tx

CANNED: tuple[tuple[str, str, str, str, dict[str, Any]], ...] = (
    (
        "hello",
        "Hello",
        "Dear {customer},\n\nthank you for writing to {company}. ",
        "{customer}，您好！\n\n感谢联系{company}。",
        {},
    ),
    (
        "photo",
        "Ask for a photo",
        "Could you send us a photo of the label with the serial number? Please answer this mail and attach it.",
        "请拍一张带序列号的标签照片，直接回复本邮件并作为附件发给我们即可。",
        {"then": "pending_customer"},
    ),
    (
        "refund",
        "Refund on its way",
        "We have started the refund. It is back on your account within five working days.\n\nKind regards\n{agent}",
        "退款已经发起，五个工作日内会退回您的账户。\n\n{agent}",
        {"category": "billing", "owner": "me"},
    ),
    (
        "courier",
        "Ask the courier",
        "We have asked the courier where your parcel is, and write to you again by tomorrow evening.",
        "我们已向快递公司核实包裹位置，最迟明天傍晚前给您回复。",
        {"category": "delivery", "tags": ["courier"], "then": "pending_internal"},
    ),
    ("urgent", "Urgent, mine", "", "", {"priority": 1, "owner": "me"}),
)


def add_canned(tx: Tx) -> None:
    """What everybody may insert."""
    for key, name, en, zh, steps in CANNED:
        texts = {lang: text for lang, text in (("en", en), ("zh", zh)) if text}
        tx.session.add(CannedReply(key=key, name=name, texts=texts, steps=steps, changed_at=tx.now))
        tx.emit("canned_reply.added", data={"key": key, "whose": "all"})
