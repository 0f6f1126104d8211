"""Small sentences that the demo's people say and write beside their stories, in both languages."""

from __future__ import annotations

THANKS = {
    "en": (
        "Thank you, that was quick. One more thing: will I get a confirmation of this?",
        "I tried what you wrote and it works now. Thank you for explaining it so clearly.",
        "Yes, please go ahead. The times you gave suit me well.",
        "It has arrived in the meantime. Thanks for looking after it.",
        "That answers my question. Could you leave the ticket open until tomorrow, just to be sure?",
        "All good on my side now. My neighbour has the same problem, may she write to you as well?",
        "Perfect. I was a bit short in my first mail, sorry about that.",
    ),
    "zh": (
        "谢谢，处理得很快。请问会有确认短信吗？",
        "按您说的试了，已经好了，讲得很清楚。",
        "可以，就按您说的办，这个时间我方便。",
        "刚刚收到了，谢谢跟进。",
        "明白了。能不能先别关，明天我再确认一下？",
        "现在都正常了。邻居家也有同样的问题，可以直接找你们吗？",
        "好的，之前语气有点急，不好意思。",
    ),
}

HUNG_UP = {
    "en": "Hung up before anybody answered; called again later and was helped.",
    "zh": "接通前挂断，客户随后再次来电并已处理。",
}

CALL_NOTES = {"en": "Caller: %(text)s\n\nDone: %(end)s", "zh": "来电内容：%(text)s\n\n处理结果：%(end)s"}

NOTES = {
    "en": {
        "billing": (
            "Checked both entries in the ledger; the second has no order behind it.",
            "Goodwill within my limit, no approval needed.",
            "Same thing happened to two others in this run; told the billing team.",
        ),
        "technical": (
            "Line test: 14 dB margin, no errors in 24 h. Problem is inside the home.",
            "Router on firmware 3.8.1, auto-update on.",
            "Third contact in a month about this line. If it comes back, send a technician straight away.",
        ),
        "delivery": (
            "Courier's office confirms: parcel at hub 4 since Saturday.",
            "Old phone number was still in the address book; corrected it.",
        ),
        "service": ("Identity checked by date of birth and last bill.", "Prefers calls after 17:00."),
        "privacy": ("Passed to the privacy office, reference in their list.",),
        "product": ("Warranty looked up by serial number: valid.",),
        "complaint": (
            "Asked the technicians' office for the three visit reports, due tomorrow.",
            "Listened to both recordings. The customer's account of them is right.",
            "Courier's statement requested; reminder on Thursday.",
        ),
    },
    "zh": {
        "billing": ("两笔都核对过，第二笔没有对应订单。", "在我的权限内，不用审批。", "同一批还有两位客户，已告诉账务组。"),
        "technical": (
            "线路测试余量 14 dB，24 小时无误码，问题在室内。",
            "路由器固件 3.8.1，自动更新已开。",
            "一个月内第三次联系，再出现直接派师傅。",
        ),
        "delivery": ("快递站点确认：周六起在 4 号中转站。", "地址簿里是旧手机号，已更正。"),
        "service": ("已核对生日和上期账单金额。", "客户希望 17:00 以后联系。"),
        "privacy": ("已转隐私办公室登记。",),
        "product": ("按序列号查询，仍在保修期内。",),
        "complaint": (
            "已向装维部门要三次上门的工单，明天给。",
            "两段录音都听了，客户说的属实。",
            "已请快递公司书面说明，周四催。",
        ),
    },
}

CHATTING = {
    "en": (
        ("Hello, thanks for writing. I'm looking into it now.", "Okay, I'll wait.", "That helps a lot, thank you!"),
        ("Good to hear from you. Give me a minute to open your account.", "Sure, take your time.", "Great, that was easy."),
        ("Hello! Let me check this for you.", "Thanks. I'm on my phone, so I may be slow.", "Understood. Bye!"),
    ),
    "zh": (
        ("您好，已看到您的问题，我马上查一下。", "好的，我等着。", "明白了，谢谢您。"),
        ("您好，请稍等，我打开您的账号看看。", "不急。", "好的，很清楚。"),
        ("您好，很高兴为您服务，我先核对一下。", "嗯，我用手机打字有点慢。", "可以，那就这样，谢谢。"),
    ),
}

COMMENTS = {
    "en": {
        5: ("Friendly and quick.", "Solved in one go. Thank you.", "I felt listened to."),
        4: ("Good help, the wait was a little long.", "Fine."),
        3: ("It works now, but I had to explain it twice.",),
        2: ("Polite, but it took three days.", "The answer did not fit my question at first."),
        1: ("It is still not working.", "I was promised a call that never came."),
    },
    "zh": {
        5: ("态度好，处理快。", "一次就解决了，谢谢。", "听得很认真。"),
        4: ("挺好的，就是等得稍微久了点。", "可以。"),
        3: ("解决了，但要说两遍。",),
        2: ("客气是客气，拖了三天。", "一开始答非所问。"),
        1: ("还是没有解决。", "说好回电，一直没有打来。"),
    },
}

FOLLOWED_UP = {
    "en": (
        "Called; explained the delay and credited ¥20. The customer is content now.",
        "Reached by phone. It works since yesterday, no further wishes.",
    ),
    "zh": ("已回访，说明了延误原因并补偿 20 元，客户表示满意。", "电话回访，昨天起已正常，没有其他诉求。"),
}

ON_THE_LINE = {
    "en": (
        (
            "Hello, I hope I'm in the right place.",
            "Yes, that's right, the account is in my name.",
            "Thank you for your help. Goodbye.",
        ),
        ("Hi there.", "I tried that this morning already, it made no difference.", "Okay, then I'll wait for it. Bye!"),
        ("Good day to you.", "It has been like this since Sunday.", "That is kind. Have a nice day."),
    ),
    "zh": (
        ("您好，想咨询一下。", "对，账号是我本人的名字。", "好的，谢谢，再见。"),
        ("你好。", "这个早上试过了，没有变化。", "那我等通知，谢谢。"),
        ("您好，麻烦帮我看看。", "从周日开始一直这样。", "辛苦了，再见。"),
    ),
}

# What a complaint's file says of how it was looked into.
DECIDING = {
    "en": {
        "found": "The log of the day and the colleague's own account agree.",
        "whys": ["The step was left out.", "The note of the first contact was not read by who took over."],
        "looked_into": "We read all messages and calls about your case and asked everybody who had dealt with it.",
        "apology": "We are sorry that this happened to you.",
    },
    "zh": {
        "found": "当日记录与经办人的说明一致。",
        "whys": ["处理步骤被遗漏。", "接手同事没有查看首次联系的记录。"],
        "looked_into": "我们调阅了与本次投诉有关的全部往来记录和通话，并向所有经办人员核实。",
        "apology": "给您带来不便，我们深表歉意。",
    },
}
