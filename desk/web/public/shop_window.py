"""What the sample shop sells: the products and plans of the demo's company, in both languages."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Ware:
    """A product or a plan; `name` and `line` map a language to words, `price` is in yuan."""

    code: str
    name: dict[str, str]
    line: dict[str, str]
    price: int
    shape: str = ""  # the drawing in templates/shop/_shapes.html


PRODUCTS = (
    Ware(
        "R3",
        {"en": "Router R3", "zh": "路由器 R3"},
        {"en": "Wi-Fi 6 that covers a flat of 120 m² and stays cool.", "zh": "Wi-Fi 6，覆盖一百二十平方米，长时间也不烫手。"},
        329,
        "router",
    ),
    Ware(
        "M2",
        {"en": "Mesh M2, a pair", "zh": "组网 M2（两只装）"},
        {"en": "Two quiet boxes, one network, up to the attic.", "zh": "两只小盒子，一张网，阁楼也有信号。"},
        599,
        "mesh",
    ),
    Ware(
        "S1",
        {"en": "Speaker S1", "zh": "音箱 S1"},
        {"en": "Warm sound for one room. The microphone has a real switch.", "zh": "一间屋子的温暖声音，麦克风有实体开关。"},
        399,
        "speaker",
    ),
    Ware(
        "C2",
        {"en": "Camera C2", "zh": "摄像头 C2"},
        {"en": "Sees at night, keeps its pictures at home.", "zh": "夜里看得清，画面只存在家里。"},
        259,
        "camera",
    ),
    Ware(
        "E2",
        {"en": "Earbuds E2", "zh": "耳机 E2"},
        {"en": "Thirty hours with the case, and a battery you can change.", "zh": "配合充电盒三十小时，电池可以更换。"},
        299,
        "earbuds",
    ),
    Ware(
        "V4",
        {"en": "Vacuum V4", "zh": "扫地机 V4"},
        {"en": "Knows every corner and is quieter than a conversation.", "zh": "记得每个角落，比说话声还轻。"},
        1899,
        "vacuum",
    ),
)
PLANS = (
    Ware("200", {"en": "Stillwater 200", "zh": "静水 200"}, {"en": "200/50 Mbit/s", "zh": "200/50 Mbit/s"}, 69),
    Ware("500", {"en": "Clearwave 500", "zh": "清波 500"}, {"en": "500/100 Mbit/s", "zh": "500/100 Mbit/s"}, 99),
    Ware("1000", {"en": "Lakeheart 1000", "zh": "湖心 1000"}, {"en": "1000/200 Mbit/s", "zh": "1000/200 Mbit/s"}, 149),
)
