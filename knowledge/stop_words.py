"""Words that say little about what somebody is looking for.

They are indexed like all others and only left out of a query that has something better: "the who" and "怎么办" still find.
"""

from __future__ import annotations

_ENGLISH = """
a about after all also am an and any anyone are as at be because been before being but by can cannot cant could did do
does doing done dont for from get getting give go going got had has have having he hello help her hers hi him his how i
if im in into is isnt it its ive just know let like make may me mine more most much my need no not now of off on once one
only or our ours out over please regarding she should so some something still such tell than thank thanks that the their
them then there these they thing this those through to too up upon us use very via want was we were what when where
whether which while who whom whose why will with within without wont would yes you your yours
"""

_CHINESE = """
的 了 是 在 我 你 您 他 她 它 们 我们 你们 他们 她们 它们 咱们 大家 有 没有 没 和 与 及 或 或者 就 都 也 还 还是 又 再 很
太 更 最 不 不是 吗 呢 吧 啊 呀 哦 嘛 么 什么 怎么 怎样 怎么样 怎么办 如何 为什么 为何 哪 哪里 哪儿 哪个 哪些 谁 几 多少
多久 这 那 这个 那个 这些 那些 这样 那样 这里 那里 这么 那么 请 请问 麻烦 谢谢 你好 您好 可以 能 能不能 能够 可不可以
是否 是不是 要 想 想要 需要 应该 会 得 地 着 过 把 被 给 让 对 对于 关于 从 到 向 以 以及 于 为 为了 因为 所以 但 但是
如果 的话 而 而且 并 并且 之 其 个 一个 一下 一些 一 上 下 里 中 时 时候 来 去 说 做 用 知道 告诉 现在 已经 自己 问题
情况 求助 求 帮 帮忙 帮我
"""

ENGLISH = frozenset(_ENGLISH.split())
CHINESE = frozenset(_CHINESE.split())
