"""Files that belong to the company's articles, made when the demo is filled: a slip to print and a drawing of lights."""

from __future__ import annotations

import io
from collections.abc import Iterator

from PIL import Image, ImageDraw, ImageFont

from desk.files import FileStore, KeptFile
from desk.pdf import Part, made_pdf

SLIPS = {
    "return-product-en": (
        "Return slip.pdf",
        "Return slip",
        (
            Part("Please fill this in and put it into the box.", "", ("Return number:", "Order number:", "Product:")),
            Part("Why does it go back? (You need not say.)", "□ I changed my mind\n□ It does not fit\n□ It is faulty\n□ Other:"),
            Part("Before you send a router or a camera", "Reset it to factory settings and unlink it in the app."),
        ),
    ),
    "return-product-zh": (
        "退货单.pdf",
        "退货单",
        (
            Part("请填写后放入包裹", "", ("退货编号：", "订单编号：", "商品名称：")),
            Part("退货原因（可以不填）", "□ 不想要了\n□ 不合适\n□ 有故障\n□ 其他："),
            Part("寄回路由器或摄像头之前", "请先恢复出厂设置，并在应用里解除绑定。"),
        ),
    ),
}
DRAWINGS = {"no-internet-en": "Lights of Router R3.png", "no-internet-zh": "路由器 R3 指示灯.png"}
LIGHTS = (("POWER", "#3fb950"), ("INTERNET", "#f85149"), ("WI-FI", "#3fb950"), ("PHONE", "#6e7681"))
WIDTH, HEIGHT = 720, 220


def papers(store: FileStore, key: str) -> Iterator[KeptFile]:
    """The files of the article with this key, with their bytes in the store."""
    if key in SLIPS:
        name, title, parts = SLIPS[key]
        yield store.keep(made_pdf(title, parts), name)
    if key in DRAWINGS:
        yield store.keep(_lights(), DRAWINGS[key])


def _lights() -> bytes:
    """The front of the router when the line is down: a red light is also crossed out, as not everybody sees red."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), "#ffffff")
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(22)
    draw.rounded_rectangle((20, 20, WIDTH - 20, HEIGHT - 20), radius=28, fill="#1f2937")
    for place, (label, colour) in enumerate(LIGHTS):
        x, y = 110 + place * 167, 92
        draw.ellipse((x - 20, y - 20, x + 20, y + 20), fill=colour, outline="#e5e7eb", width=2)
        if label == "INTERNET":
            draw.line((x - 12, y - 12, x + 12, y + 12), fill="#ffffff", width=5)
            draw.line((x - 12, y + 12, x + 12, y - 12), fill="#ffffff", width=5)
        draw.text((x, 152), label, fill="#f3f4f6", font=font, anchor="mm")
    made = io.BytesIO()
    picture.save(made, "PNG", optimize=True)
    return made.getvalue()
