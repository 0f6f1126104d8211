"""Bring text that means the same to the same characters: width, case, accents, Traditional and Simplified Chinese."""

from __future__ import annotations

import re
import unicodedata

# Traditional character followed by its Simplified form. Only the characters a service desk meets; the ones whose folding
# depends on the word (乾, 著, 於 in names) are folded the way that is right most often, which is enough for finding.
_PAIRS = """
們们 個个 這这 來来 時时 說说 國国 對对 會会 過过 後后 還还 學学 發发 經经 沒没 開开 關关 問问 題题 電电 話话 現现 實实 動动
點点 長长 種种 進进 從从 體体 無无 機机 當当 兩两 應应 業业 樣样 間间 產产 與与 為为 於于 裡里 裏里 麼么 氣气 頭头 見见 聽听
讓让 給给 請请 謝谢 買买 賣卖 錢钱 費费 帳账 賬账 單单 號号 碼码 網网 絡络 線线 連连 斷断 續续 寬宽 頻频 帶带 訊讯 設设 備备
裝装 維维 護护 換换 貨货 運运 輸输 遞递 達达 遲迟 簽签 郵邮 質质 價价 優优 積积 級级 賠赔 償偿 條条 約约 訂订 購购 額额 餘余
繳缴 納纳 稅税 據据 書书 證证 驗验 戶户 錄录 註注 冊册 銷销 權权 隱隐 訴诉 調调 處处 報报 員员 務务 營营 廳厅 門门 廠厂 廣广
場场 區区 縣县 鎮镇 鄉乡 樓楼 層层 東东 車车 馬马 鳥鸟 魚鱼 龍龙 風风 雲云 橋桥 燈灯 熱热 涼凉 聲声 響响 視视 畫画 圖图 鍵键
鈕钮 顯显 螢荧 滿满 輕轻 壓压 鐘钟 錶表 歲岁 歷历 曆历 歸归 壞坏 損损 傷伤 選选 擇择 擴扩 變变 轉转 傳传 遠远 遙遥 測测 試试
檢检 確确 認认 識识 讀读 寫写 語语 詞词 譯译 譜谱 論论 議议 記记 訪访 評评 訓训 講讲 資资 財财 貸贷 貼贴 賀贺 賴赖 賞赏 賓宾
負负 責责 貴贵 貫贯 贈赠 贏赢 鏈链 鎖锁 鋪铺 錯错 鍋锅 鐵铁 銀银 銅铜 針针 鑰钥 閉闭 閱阅 闆板 陸陆 陽阳 陰阴 隊队 階阶 際际
險险 隨随 雙双 雜杂 雞鸡 離离 難难 靜静 頁页 項项 順顺 須须 預预 領领 顆颗 願愿 類类 顧顾 飛飞 飯饭 飲饮 館馆 驚惊 驅驱 騎骑
騙骗 髒脏 鬆松 鬧闹 鮮鲜 麗丽 麥麦 黃黄 齊齐 齡龄 龜龟 億亿 僅仅 偵侦 側侧 傘伞 傢家 債债 傾倾 儀仪 儲储 兒儿 內内 凍冻 淨净
準准 減减 湊凑 凱凯 別别 刪删 則则 剛刚 創创 劃划 劇剧 劑剂 勁劲 勞劳 勢势 勵励 勸劝 匯汇 協协 卻却 參参 臺台 檯台 颱台 葉叶
嗎吗 啟启 嘗尝 喚唤 喪丧 喬乔 嚴严 園园 圍围 圓圆 團团 執执 堅坚 塊块 塗涂 塵尘 墊垫 墜坠 夠够 夢梦 夾夹 奪夺 獎奖 奮奋 婦妇
媽妈 嬰婴 孫孙 寧宁 寶宝 審审 專专 將将 尋寻 導导 屆届 屬属 島岛 峽峡 嶺岭 幣币 幫帮 幾几 庫库 廢废 張张 強强 彈弹 彙汇 復复
複复 徵征 徹彻 恆恒 惡恶 惱恼 憂忧 慣惯 慮虑 憑凭 憶忆 懇恳 懶懒 懷怀 戰战 戲戏 掃扫 掛挂 揚扬 搶抢 摺折 擁拥 擊击 擋挡 擔担
擾扰 擬拟 攜携 攝摄 攤摊 敗败 敵敌 數数 斃毙 斬斩 舊旧 晝昼 暫暂 曉晓 朧胧 極极 構构 槍枪 樂乐 標标 樞枢 樹树 橫横 櫃柜 欄栏
歐欧 歡欢 殘残 殺杀 毀毁 氫氢 決决 況况 洩泄 潔洁 灣湾 濕湿 溫温 滅灭 滯滞 滾滚 漢汉 漲涨 潛潜 澤泽 濃浓 濟济 濾滤 瀏浏 煙烟
煩烦 燒烧 爐炉 爭争 爺爷 牆墙 牽牵 狀状 獨独 獲获 獻献 瑪玛 環环 甌瓯 畢毕 異异 瘋疯 療疗 癥症 盜盗 盡尽 監监 盤盘 眾众 睏困
矯矫 碩硕 禮礼 禍祸 禦御 稱称 穀谷 穩稳 窩窝 窮穷 竊窃 競竞 筆笔 節节 範范 築筑 簡简 籌筹 籤签 籃篮 糧粮 糾纠 紀纪 紅红 紋纹
純纯 紙纸 紛纷 細细 終终 組组 結结 絕绝 統统 絲丝 綁绑 綠绿 綱纲 緊紧 緒绪 緣缘 編编 緩缓 練练 縮缩 總总 績绩 織织 繞绕 繪绘
繫系 係系 繼继 纜缆 纖纤 罰罚 罷罢 羅罗 聯联 聰聪 職职 肅肃 脫脱 腦脑 腳脚 臉脸 臨临 舉举 艙舱 艱艰 藝艺 藥药 蘋苹 蘇苏 蘭兰
虛虚 虧亏 蟲虫 術术 衛卫 衝冲 補补 製制 襯衬 覆复 覺觉 覽览 觀观 觸触 計计 討讨 許许 診诊 詐诈 詢询 該该 詳详 誇夸 誌志 誤误
誰谁 課课 談谈 諒谅 諮咨 謀谋 謊谎 謹谨 豐丰 貓猫 貝贝 賽赛 趕赶 跡迹 踐践 蹤踪 躍跃 軌轨 軍军 軟软 軸轴 較较 載载 輔辅 輛辆
輩辈 輪轮 辦办 辭辞 辯辩 農农 迴回 週周 遊游 違违 遷迁 適适 遺遗 邊边 鄰邻 釋释 釘钉 鈴铃 錦锦 鍾钟 鏡镜 閃闪 閒闲 閘闸 闊阔
隻只 祇只 雖虽 靈灵 韓韩 頓顿 顏颜 飾饰 餓饿 養养 驟骤 鬥斗 鹽盐 鹼碱 黨党 啓启 擺摆 撥拨 撿捡 擠挤 攔拦 敘叙 暈晕 棄弃 檔档
殼壳 漸渐 潤润 濺溅 爛烂 犧牺 硯砚 礙碍 蠟蜡 販贩 贓赃 趨趋 趙赵 輯辑 鄭郑 鄧邓 錘锤 閩闽 陳陈 陣阵 劉刘 吳吴 楊杨 馮冯 餅饼
墳坟 聖圣 孃娘 妳你 牠它 祂他
"""

_SIMPLIFIED = {ord(pair[0]): pair[1] for pair in _PAIRS.split()}
_LATIN_WITH_ACCENT = re.compile("[\u00c0-\u024f\u1e00-\u1eff]")


def fold(text: str) -> str:
    """`text` in NFKC, lower case, without Latin accents, in Simplified Chinese. Its length may differ from the input's."""
    text = unicodedata.normalize("NFKC", text).lower().translate(_SIMPLIFIED)
    return _LATIN_WITH_ACCENT.sub(_without_accent, text)


def _without_accent(match: re.Match[str]) -> str:
    return "".join(char for char in unicodedata.normalize("NFD", match[0]) if not unicodedata.combining(char))
