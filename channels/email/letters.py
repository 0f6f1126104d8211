"""How likely some text is to be what a person wrote: the most frequent letters of the languages that share bytes."""

from __future__ import annotations

import re
import unicodedata

# The characters that make up more than half of any Chinese text, in both scripts, and those of letters to a service desk.
HAN = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去法学如都同现当没动面起看"
    "定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政美相"
    "见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神总"
    "何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象完设式"
    "色路记南品住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带导争运笔给您好请谢谢客服订单货退款换费用快递发货收到查询投诉处理问题电话联系帮"
    "忙邮箱账号密码公司经理先生女士产品质量售后维修发票地址附件购买支付价格账户登录无法显示错误已经仍然希望尽快答复感谢祝"
    "這個們來為國說時會過發後對沒動還進樣從實無與長機開關點業間問並應戰頭體產話處義條氣題爾變總電數報結務資統區隊決馬書聽達強難權設記類據邊張該規術領確傳師觀"
    "讓識帶導爭運請謝訂單貨換費遞訴處聯繫幫郵帳號碼質後維發購價戶錄顯錯誤經仍盡復寫嗎麼給點無"
)
HANGUL = frozenset(
    "이다는에을의가를은고로하지한도서기어사리나자시아대해인정일수있그것전만오부보여주장라스제상구원소안게년요습니까했으면과마들세우조성미동신문공립치무경회방합품송확배도착니않첨파메발신답변취환불"
)
CYRILLIC = frozenset("оеаинтсрвлкмдпуяыьгзбчйхжшюцщэёіїєґ")
FREQUENT_CYRILLIC = frozenset("оеаинтсрвлі")
PUNCTUATION = frozenset("，。！？：；、（）《》“”‘’—…「」【】·〜～￥")
HIGH = re.compile(r"[^\x00-\x7f]")
SCORED = 1_500
LATIN_MARKS = frozenset("“”‘’–—…€«»©®°·•\xa0¿¡£§")
WESTERN = frozenset("ïéèêëàâáäãåæçîíìôóòöõøùûúüñßÉÈÀÇÖÜÄÅØÑÁÓÍÚ")
CENTRAL = frozenset("ěščřžůťďňąęłńśźżćőűăâîșțşţđČŘŠŽŁŚŻĎŤĚŮŐŰýÝ")
TURKISH = frozenset("ğışİŞĞ")


def likelihood(text: str) -> float:
    """From about 1 for text of one language down to below 0 for bytes read in the wrong charset; 0 for plain ASCII."""
    total = seen = 0
    for match in HIGH.finditer(text):
        at = match.start()
        total += _weight(match[0], text[at - 1] if at else " ", text[at + 1 : at + 2])
        seen += 1
        if seen >= SCORED:
            break
    return total / seen if seen else 0.0


def _weight(mark: str, before: str, after: str) -> float:
    code = ord(mark)
    if mark in HAN or mark in HANGUL or mark in PUNCTUATION:
        return 1.0
    if 0x4E00 <= code <= 0x9FFF:
        return 0.25
    if 0x3040 <= code <= 0x30FF:
        return 0.9
    if 0xFF00 <= code <= 0xFF60:
        return 0.6
    if 0xAC00 <= code <= 0xD7A3:
        return 0.2
    if code < 0xA0 or code == 0xFFFD or 0xE000 <= code <= 0xF8FF:
        return -2.0
    if mark in LATIN_MARKS:
        return 0.8 if (mark in "¿¡" and after.isalpha()) or mark == "€" else 0.3
    if code < 0x250 and mark.isalpha():
        return _latin(mark, before, after)
    if code < 0xE80 and mark.isalpha():
        return _alphabetic(mark, before, after, code)
    return -0.5 if unicodedata.category(mark) in {"So", "Sm", "Sk", "Lm", "Cn", "Lo"} and code < 0x10000 else 0.1


def _latin(mark: str, before: str, after: str) -> float:
    """A marked letter stands among plain ones; in a row they are bytes of another script."""
    crowded = (before > "\x7f") + (after > "\x7f")
    if crowded == 2 or (mark.isupper() and before.islower()) or (mark.islower() and after.isupper()):
        return -0.5
    if crowded:
        return 0.0
    return 0.8 if mark in WESTERN else 0.78 if mark in CENTRAL else 0.76 if mark in TURKISH else 0.2


def _alphabetic(mark: str, before: str, after: str, code: int) -> float:
    """Greek, Cyrillic, Hebrew, Arabic, Thai: alphabets that do not mix with plain letters inside a word."""
    if any(one.isascii() and one.isalpha() for one in (before, after)):
        return -0.6
    if mark.isupper():
        # A capital after a small letter is a charset with the cases swapped.
        return -0.6 if before.islower() else 0.4
    if 0x400 <= code <= 0x4FF:
        return 1.0 if mark in FREQUENT_CYRILLIC else 0.6 if mark in CYRILLIC else -0.3
    return 0.8 if 0x370 <= code < 0x400 or 0x5D0 <= code < 0x700 or code >= 0xE00 else -0.3
