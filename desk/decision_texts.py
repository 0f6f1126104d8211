"""The words of a decision's letter in both languages; they go to customers, whatever the language of the page."""

from __future__ import annotations

WORDS = {
    "en": {
        "title": "Our decision on your complaint {number}",
        "received": "Received on {received}. Decided on {decided}.",
        "to": "To",
        "statement": "What you complained of, in your words",
        "wish": "What you asked for",
        "looked_into": "What we did to look into it",
        "findings": "What we found, point by point",
        "decision": "Our decision and its reasons",
        "redress": "What you get, and by when",
        "no_redress": "Nothing is to be given beside this decision.",
        "by": "by {day}",
        "apology": "Our apology",
        "changed": "What we change",
        "unhappy": "If you do not agree",
        "rights": "Tell us within thirty days, on the page of your complaint or in any other way. Somebody who has not dealt "
        "with it looks at it again, free of charge. You may also turn to the consumer association, the authority for your region "
        "or a court.",
        "contact": "How to reach us",
        "reach": "The page of your complaint: {link}. Write to {mail} and give the number {number}. Ask us for large print, "
        "another language or somebody who reads this letter to you; it costs nothing.",
        "proven": "True",
        "not_proven": "Not shown to be true",
        "undetermined": "Could not be found out",
    },
    "zh": {
        "title": "关于您的投诉（编号{number}）的处理决定",
        "received": "收到日期：{received}。决定日期：{decided}。",
        "to": "致",
        "statement": "您反映的问题（原话）",
        "wish": "您的诉求",
        "looked_into": "我们的调查经过",
        "findings": "逐项调查结果",
        "decision": "处理决定及理由",
        "redress": "补救措施及期限",
        "no_redress": "除本决定外，无其他补救措施。",
        "by": "于{day}前",
        "apology": "致歉",
        "changed": "我们的改进",
        "unhappy": "如果您不同意本决定",
        "rights": "请在三十天内通过您的投诉页面或其他任何方式告诉我们，将由未参与本次处理的人员免费重新审查。"
        "您也可以向消费者协会、当地主管部门反映，或向人民法院起诉。",
        "contact": "如何联系我们",
        "reach": "您的投诉页面：{link}。您也可以写信至{mail}并注明编号{number}。"
        "如需大字版、其他语言版本或由专人为您朗读，请告诉我们，均不收费。",
        "proven": "属实",
        "not_proven": "不属实",
        "undetermined": "无法查清",
    },
}
GIVEN = {
    "en": {
        "apology": "An apology",
        "explanation": "An explanation",
        "correction": "A correction",
        "refund": "A refund",
        "replacement": "A replacement",
        "compensation": "Compensation",
        "voucher": "A voucher",
        "process_change": "A change in how we work",
    },
    "zh": {
        "apology": "致歉",
        "explanation": "说明",
        "correction": "更正",
        "refund": "退款",
        "replacement": "更换",
        "compensation": "赔偿",
        "voucher": "代金券",
        "process_change": "改进流程",
    },
}
