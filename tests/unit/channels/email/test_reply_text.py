"""What is new in a reply, as the mail programs of this world mark what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.reply_text import reply_text

TABLE_163 = """请尽快处理

| |
李四
|
|
邮箱：lisi@mail.example
|
签名由 网易邮箱大师 定制

---- 回复的原邮件 ----
| 发件人 | 客服<cs@desk.example> |
| 日期 | 2024年03月05日 14:20 |
| 收件人 | lisi@mail.example |
| 主题 | 回复：投诉 |
您好
"""

QQ = '发件人: "客服" <cs@desk.example>;\n发送时间: 2024年3月5日\n您好\n'
OUTLOOK = "发件人: 客服 <cs@desk.example>\n发送时间: 2024年3月5日 14:20\n收件人: 王五\n主题: 回复: 订单\n\n您好\n"
OUTLOOK_WIDE = "发件人： 客服\n发送时间： 2024年3月5日\n抄送： x\n主题： 回复\n\n您好\n"
OUTLOOK_TAIWAN = "寄件者: 客服 <cs@desk.example>\n寄件日期: 2024年3月5日\n收件者: 王\n主旨: RE: 訂單\n\n您好\n"
ALIYUN = "发件人：客服 <cs@desk.example>\n发送时间：2024年3月5日\n收件人：x\n主　题：投诉\n\n您好"
FROM = "From: Support <cs@desk.example>\nSent: Tuesday, March 5, 2024 2:20 PM\nTo: Wang\nSubject: RE: x\n\nHello"

CHINESE_REPLIES = {
    "gmail": "好的，谢谢！\n\n客服 <cs@desk.example> 于2024年3月5日周二 14:20写道：\n\n> 您好\n> 请问\n",
    "gmail taiwan": "好的，谢谢！\n\n客服 <cs@desk.example> 於 2024年3月5日 週二 下午2:20寫道：\n\n> 您好\n",
    "apple": "好的，谢谢！\n\n发自我的 iPhone\n\n> 在 2024年3月5日，14:20，客服 <cs@desk.example> 写道：\n> \n> 您好\n",
    "netease": '好的，谢谢！\n\n\n\n在 2024-03-05 14:20:11，"客服中心" <cs@desk.example> 写道：\n\n>您好，\n>退款已处理\n',
    "netease english": 'At 2024-03-05 14:20:11, "cs" <cs@desk.example> wrote:\n>Hello\n\n好的，谢谢！',
    "qq": f"好的，谢谢！\n\n\n------------------ 原始邮件 ------------------\n{QQ}",
    "qq html": "好的，谢谢！\n\n------------------&nbsp;原始邮件&nbsp;------------------\n发件人: 客服\n您好\n",
    "outlook": f"好的，谢谢！\n\n{OUTLOOK}",
    "outlook line": f"好的，谢谢！\n\n________________________________\n{OUTLOOK_WIDE}",
    "outlook taiwan": f"好的，谢谢！\n\n{OUTLOOK_TAIWAN}",
    "outlook phone": f"好的，谢谢！\n\n获取 Outlook for iOS\n________________________________\n{OUTLOOK}",
    "aliyun": f"好的，谢谢！\n{'-' * 66}\n{ALIYUN}",
    "huawei": "好的，谢谢！\n发自我的华为手机\n-------- 原始邮件 --------\n发件人： a <a@b.example>\n主题： c\n您好",
    "xiaomi": "好的，谢谢！\n\n来自 我的小米手机\n在 客服 <cs@desk.example>，2024年3月5日 下午2:20写道：\n> 您好",
    "original words": "好的，谢谢！\n\n-----原始邮件-----\n您好",
    "same line": "好的，谢谢！ 在 2024年3月5日，客服 <cs@desk.example> 写道：\n> 您好",
    "below": "在 2024年3月5日，客服 <cs@desk.example> 写道：\n> 请提供订单号\n\n好的，谢谢！\n",
    "forward": "好的，谢谢！\n\n---------- 转发的邮件 ----------\n发件人：客服 <cs@desk.example>\n主题：通知\n\n您好",
    "signature": "好的，谢谢！\n\n-- \n王五\n某某公司",
}

OTHER_REPLIES = {
    "english": "Thanks\n\nOn Tue, Mar 5, 2024 at 2:20 PM Support <cs@desk.example> wrote:\n\n> Hello",
    "broken over lines": "Thanks\n\nOn Tue, Mar 5, 2024 at 2:20 PM Support Team of Desk <\ncs@desk.example>\nwrote:\n\n> Hello",
    "yahoo": "Thanks\n\n    On Tuesday, March 5, 2024 at 02:20:11 PM GMT+8, cs <cs@desk.example> wrote:  \n \n Hello there",
    "outlook": f"Thanks\n\n{FROM}",
    "bold outlook": "Thanks\n\n*From:* Support <cs@desk.example>\n*Sent:* Tuesday\n*To:* Wang\n*Subject:* RE: x\n\nHello",
    "german": "Thanks\n\nAm 05.03.2024 um 14:20 schrieb Support <cs@desk.example>:\n> Hallo",
    "french": "Thanks\n\nLe mar. 5 mars 2024 à 14:20, Support <cs@desk.example> a écrit :\n\n> Bonjour",
    "spanish": "Thanks\n\nEl mar, 5 mar 2024 a las 14:20, Support (<cs@desk.example>) escribió:\n\n> Hola",
    "portuguese": "Thanks\n\nEm ter., 5 de mar. de 2024 às 14:20, Support <cs@desk.example> escreveu:\n\n> Olá",
    "italian": "Thanks\n\nIl giorno mar 5 mar 2024 alle ore 14:20 Support <cs@desk.example> ha scritto:\n\n> Ciao",
    "dutch": "Thanks\n\nOp di 5 mrt 2024 om 14:20 schreef Support <cs@desk.example>:\n\n> Hallo",
    "swedish": "Thanks\n\nDen tis 5 mars 2024 kl 14:20 skrev Support <cs@desk.example>:\n\n> Hej",
    "finnish": "Thanks\n\nti 5. maalisk. 2024 klo 14.20 Support (cs@desk.example) kirjoitti:\n\n> Hei",
    "polish": "Thanks\n\nwt., 5 mar 2024 o 14:20 Support <cs@desk.example> napisał(a):\n\n> Cześć",
    "czech": "Thanks\n\nút 5. 3. 2024 v 14:20 odesílatel Support <cs@desk.example> napsal:\n\n> Ahoj",
    "russian": "Thanks\n\nвт, 5 мар. 2024 г. в 14:20, Support <cs@desk.example>:\n\n> Привет",
    "turkish": "Thanks\n\nSupport <cs@desk.example>, 5 Mar 2024 Sal, 14:20 tarihinde şunu yazdı:\n\n> Merhaba",
    "vietnamese": "Thanks\n\nVào Th 3, 5 thg 3, 2024 vào lúc 14:20 Support <cs@desk.example> đã viết:\n\n> Xin chào",
    "japanese": "Thanks\n\n2024年3月5日(火) 14:20 サポート <cs@desk.example>:\n\n> こんにちは",
    "korean": "Thanks\n\n2024년 3월 5일 (화) 오후 2:20, 고객센터 <cs@desk.example>님이 작성:\n\n> 안녕하세요",
    "forward": "Thanks\n\nBegin forwarded message:\n\nFrom: Support <cs@desk.example>\nSubject: x\n\nHello",
    "phone": "Thanks\n\nSent from my iPhone",
}


@pytest.mark.parametrize("body", CHINESE_REPLIES.values(), ids=CHINESE_REPLIES.keys())
def test_a_chinese_reply_is_freed_of_what_it_quotes(body):
    assert reply_text(body) == "好的，谢谢！"


@pytest.mark.parametrize("body", OTHER_REPLIES.values(), ids=OTHER_REPLIES.keys())
def test_a_reply_in_other_languages_is_freed_of_what_it_quotes(body):
    assert reply_text(body) == "Thanks"


def test_the_signature_table_of_netease_goes_with_the_quote():
    assert reply_text(TABLE_163) == "请尽快处理"


def test_answers_between_quotes_stay_in_order():
    body = "在 2024-03-05 14:20:11，客服 <cs@desk.example> 写道：\n> 订单号？\n12345\n> 电话？\n13800138000\n"
    assert reply_text(body) == "12345\n\n13800138000"


def test_text_above_and_below_a_quote_both_stay():
    assert reply_text("Above\n\nOn 5 March 2024, Support wrote:\n> old\n\nBelow") == "Above\n\nBelow"


@pytest.mark.parametrize(
    "body",
    [
        "日期：3月5日\n主题：投诉\n内容：货没到",
        "我要投诉\nFrom: Beijing\nTo: Shanghai\nDate: 3 May\nThe train was late",
        "在 2024年我买了一台冰箱，客服写道：可以退。\n结果不给退。",
        "第一点\n\n--\n第二点\n" + "\n".join(f"行 {number}" for number in range(25)),
        "客服在2024-03-05 14:20写道：\n已退款。\n但我没收到。",
        "我来补充。\n在2024年3月5日客服写道：\n已退款。\n但我没收到。",
        "订单信息如下：\n收件人：张三\n日期：3月5日\n主题：手机\n请查收",
        "发件人：张三\n投诉内容：货物破损\n电话：13800138000",
        "On Monday I wrote to you.\nNobody answered.",
        "> I quote the manual:\n> press reset\n\nIt does not work.",
        "Prices are > 100\nand < 200:\nwhy?",
    ],
)
def test_words_that_only_look_like_a_quote_stay(body):
    assert reply_text(body) == body


@pytest.mark.parametrize(
    "body",
    [
        "> all quoted",
        "-- \nBob",
        "Sent from my iPhone",
        "---------- Forwarded message ---------\nFrom: a <a@b.example>\nSubject: y\n\nContent",
    ],
)
def test_a_body_is_never_stripped_to_nothing(body):
    assert reply_text(body) == body


def test_an_empty_body_has_no_reply():
    assert reply_text("") == ""
    assert reply_text(" \n\n ") == ""


@given(
    st.lists(
        st.sampled_from(
            ["hi", "", "> q", "On 1 May x wrote:", "-- ", "From: a@b.c", "Subject: x", "在 1 写道：", "a@b.c 1 wrote:"]
        )
    )
)
def test_something_remains_of_every_body_that_says_something(lines):
    body = "\n".join(lines)
    assert bool(reply_text(body)) == bool(body.strip())


@pytest.mark.timeout(200)  # what stalls takes hours
@pytest.mark.parametrize(
    "line", ["On 1 a@a a@a a@a wrote x:", "x <a@b.example>", "From: a", "> a", "*" * 600, "On Mon, 1 On Mon, 2 wrote"]
)
def test_a_body_made_to_stall_the_rules_is_read_at_once(line):
    assert reply_text((line + "\n") * (400_000 // len(line)))
