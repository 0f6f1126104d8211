"""The people of the demo company: who works there, and its customers. All of them are invented."""

from __future__ import annotations

from dataclasses import dataclass

DOMAIN = "lakelight.example"
COMPANY = {"en": "Lakelight", "zh": "湖光"}


@dataclass(frozen=True)
class Colleague:
    """Someone who works there. `skills` are levels from 1 to 10; `what` is said of them beside their login."""

    key: str
    name: str
    roles: tuple[str, ...]
    team: str
    locale: str
    what: str
    what_zh: str
    skills: dict[str, int]

    @property
    def email(self) -> str:
        return f"{self.key}@{DOMAIN}"


COLLEAGUES = (
    Colleague(
        "maya",
        "Maya Lindqvist",
        ("agent",),
        "service",
        "en",
        "agent, takes every kind of work in both languages",
        "客服，两种语言、各类业务都接",
        {"lang:en": 9, "lang:zh": 7, "delivery": 8, "billing": 6, "technical": 5},
    ),
    Colleague(
        "xiaowen",
        "林晓雯",
        ("agent",),
        "service",
        "zh",
        "agent, billing, Chinese and some English",
        "客服，账单，中文为主，略懂英文",
        {"lang:zh": 10, "lang:en": 4, "billing": 9, "delivery": 5, "technical": 3},
    ),
    Colleague(
        "daniel",
        "Daniel Okafor",
        ("agent",),
        "service",
        "en",
        "agent, technical, English",
        "客服，技术，英文",
        {"lang:en": 10, "technical": 9, "billing": 4},
    ),
    Colleague(
        "yifan",
        "陈亦凡",
        ("agent",),
        "service",
        "zh",
        "agent, delivery, Chinese",
        "客服，配送，中文",
        {"lang:zh": 10, "delivery": 9, "billing": 5, "technical": 2},
    ),
    Colleague(
        "ziheng",
        "周子衡",
        ("senior",),
        "service",
        "zh",
        "senior agent, technical, Chinese",
        "资深客服，技术，中文",
        {"lang:zh": 10, "lang:en": 6, "technical": 10, "billing": 5, "delivery": 5, "support": 2},
    ),
    Colleague(
        "hannah",
        "Hannah Weiss",
        ("senior",),
        "service",
        "en",
        "senior agent, billing, English",
        "资深客服，账单，英文",
        {"lang:en": 10, "billing": 10, "delivery": 7, "technical": 6, "support": 2},
    ),
    Colleague(
        "sumin",
        "苏敏",
        ("supervisor",),
        "service",
        "zh",
        "supervisor: the board, everybody's work",
        "主管：看板与全队的工作",
        {"lang:zh": 10, "lang:en": 8, "billing": 8, "technical": 8, "delivery": 8, "support": 3},
    ),
    Colleague(
        "hejing",
        "何静",
        ("complaint_officer",),
        "care",
        "zh",
        "complaint officer, Chinese and English",
        "投诉专员，中英文",
        {"lang:zh": 10, "lang:en": 6, "complaints": 9},
    ),
    Colleague(
        "tom",
        "Tom Ashby",
        ("complaint_officer",),
        "care",
        "en",
        "complaint officer, English and some Chinese",
        "投诉专员，英文为主，略懂中文",
        {"lang:en": 10, "lang:zh": 4, "complaints": 9},
    ),
    Colleague(
        "yutong",
        "方雨桐",
        ("knowledge_editor",),
        "care",
        "zh",
        "knowledge editor: writes and publishes articles",
        "知识编辑：撰写并发布文章",
        {},
    ),
    Colleague(
        "priya",
        "Priya Raman",
        ("admin",),
        "service",
        "en",
        "administrator: people, roles, skills, queues",
        "管理员：人员、角色、技能、队列",
        {},
    ),
    Colleague(
        "arthur",
        "Arthur Bell",
        ("auditor",),
        "care",
        "en",
        "auditor: reads everything, changes nothing",
        "审计员：只读，不改动",
        {},
    ),
)


@dataclass(frozen=True)
class Patron:
    """A customer. The numbers lie in ranges kept for fiction or never given out; `.example` can never exist."""

    name: str
    tier: str
    locale: str
    phone: str
    email: str


_ZH = (
    "王秀兰", "李建国", "张雅琴", "刘思远", "陈嘉怡", "杨立新", "赵春梅", "黄子轩", "吴佩珊", "周明轩", "徐海燕", "孙志强",
    "马晓东", "朱梓涵", "胡文博", "郭丽娜", "何俊杰", "高雪莹", "林国栋", "罗婉清", "郑浩然", "梁美琪", "谢天宇", "宋佳宁",
    "唐永福", "许静雯", "韩冬梅", "冯启航", "邓若溪", "曹振华", "彭思涵", "曾庆玲",
)  # fmt: skip
_ZH_MAIL = (
    "wang.xiulan", "li.jianguo", "zhang.yaqin", "liu.siyuan", "chen.jiayi", "yang.lixin", "zhao.chunmei", "huang.zixuan",
    "wu.peishan", "zhou.mingxuan", "xu.haiyan", "sun.zhiqiang", "ma.xiaodong", "zhu.zihan", "hu.wenbo", "guo.lina",
    "he.junjie", "gao.xueying", "lin.guodong", "luo.wanqing", "zheng.haoran", "liang.meiqi", "xie.tianyu", "song.jianing",
    "tang.yongfu", "xu.jingwen", "han.dongmei", "feng.qihang", "deng.ruoxi", "cao.zhenhua", "peng.sihan", "zeng.qingling",
)  # fmt: skip
_EN = (
    "Emily Carter", "James Whitfield", "Amara Nwosu", "Oliver Grant", "Priscilla Fernandes", "Henry Sutton", "Chloe Bennett",
    "Rajesh Iyer", "Sophie Laurent", "Marcus Bell", "Grace O'Connor", "Ivan Petrov", "Leila Haddad", "Thomas Keane",
    "Nina Rossi", "Samuel Adeyemi", "Hannah Price", "Victor Almeida", "Ruth Goldberg", "Kenji Tanaka", "Alice Munro",
    "Peter Novak", "Isabel Torres", "George Lambert", "Zoe Mitchell", "Farah Rahman", "William Hughes", "Elena Popescu",
)  # fmt: skip
_TIERS = ("vip", "gold", "silver", "standard", "standard", "silver", "standard", "gold", "standard", "standard")


def patrons() -> tuple[Patron, ...]:
    """The sixty customers, always the same: 32 who write Chinese, 28 who write English."""
    chinese = (
        Patron(name, _TIERS[n % 10], "zh", f"+86138001300{n:02d}", f"{mail}@mail.example")
        for n, (name, mail) in enumerate(zip(_ZH, _ZH_MAIL, strict=True))
    )
    english = (
        Patron(
            name,
            _TIERS[n % 10],
            "en",
            f"+4477009001{n:02d}",
            f"{name.lower().replace(' ', '.').replace(chr(39), '')}@post.example",
        )
        for n, name in enumerate(_EN)
    )
    return (*chinese, *english)
