"""Subjects and names of a few letters in a wrong charset, or in none: how many of a set are read exactly as they were written."""

from __future__ import annotations

import pytest

from channels.email.charset import decode

SIMPLIFIED = (
    "发票 投诉 退款 您好 订单 合同 报价 谢谢 请回复 询价单 会议通知 产品报价 关于合同 付款通知 发货通知 物流查询 "
    "账号问题 密码重置 无法登录 质量问题 申请退货 咨询价格 王小明 李娜 张伟 陈静 自动回复 技术支持 客户服务 "
    "系统故障 收到请回复 明天的会议 请尽快处理 附件是发票 投诉快递员"
)
TRADITIONAL = (
    "發票 投訴 退款 您好 訂單 合約 報價 謝謝 請回覆 詢價單 會議通知 產品報價 關於合約 付款通知 出貨通知 物流查詢 "
    "帳號問題 密碼重設 無法登入 品質問題 申請退貨 諮詢價格 王小明 李娜 張偉 陳靜 自動回覆 技術支援 客戶服務 "
    "系統故障 收到請回覆 明天的會議 請盡快處理 附件是發票 投訴快遞員"
)
JAPANESE = (
    "請求書 お見積り 注文について 返品 こんにちは ありがとう お問い合わせ ご注文の件 会議のお知らせ 見積書 山田太郎 "
    "鈴木 佐藤花子 納期の確認 至急 パスワード 自動返信 不在通知 商品が届きません 配送状況の確認 ログインできない "
    "領収書の発行 契約書"
)
RUSSIAN = (
    "Счёт Заказ Привет Жалоба Возврат Договор Спасибо Иван Ольга Запрос Оплата Доставка Отчёт Ответ Коммерческое предложение"
)
WESTERN = (
    "Müller Straße café Rückgabe Größe déjà señor naïve Prüfung Lösung Überweisung crème élève Müßiggang Año niño São João ação"
)

# (words, written in, said to be in, the share that is read rightly): the shares are what was measured, less a little.
MEASURED = [
    (SIMPLIFIED, "gb18030", "gb2312", 0.97),
    (SIMPLIFIED, "gb18030", "", 0.93),
    (SIMPLIFIED, "gb18030", "utf-8", 0.93),
    (SIMPLIFIED, "gb18030", "big5", 0.8),
    (TRADITIONAL, "big5hkscs", "big5", 1.0),
    (TRADITIONAL, "big5hkscs", "", 0.95),
    (TRADITIONAL, "big5hkscs", "gb2312", 0.85),
    (TRADITIONAL, "big5hkscs", "iso-8859-1", 0.9),
    (JAPANESE, "euc_jp", "euc-jp", 0.95),
    (JAPANESE, "euc_jp", "gb2312", 0.6),
    (JAPANESE, "euc_jp", "", 0.7),
    (JAPANESE, "cp932", "shift_jis", 1.0),
    (JAPANESE, "cp932", "gb2312", 0.75),
    (RUSSIAN, "cp1251", "", 0.97),
    (RUSSIAN, "koi8_r", "", 0.97),
    (WESTERN, "cp1252", "iso-8859-1", 0.97),
    (WESTERN, "cp1252", "utf-8", 0.9),
]


@pytest.mark.parametrize(("words", "written", "said", "share"), MEASURED, ids=lambda value: value if len(str(value)) < 12 else "")
def test_a_few_letters_are_mostly_read_rightly(words, written, said, share):
    texts = [before + word for word in words.split() for before in ("", "Re: ", "Order 4711 ")]
    right = sum(decode(text.encode(written), said) == text for text in texts)
    assert right / len(texts) >= share


@pytest.mark.parametrize("text", ["您好，の字很常见", "龘靐齉爩", "朱镕基", "囧囧", "堃哥"])
def test_rare_letters_under_a_right_name_are_believed(text):
    assert decode(text.encode("gb18030"), "gb2312") == text
