"""The policies that come with the desk, as they were read from their sources. Each is to be reviewed by the house's own lawyers.

Where a source names no figure, there is none here; what is our own choice says so in its source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from desk.models.complaint_policy import APPRAISAL, COURT, CUSTOMER, SUPERVISOR, Extension, Rules, Span

ALWAYS = date(2000, 1, 1)


@dataclass(frozen=True)
class Seed:
    """One version of one policy."""

    code: str
    name: str
    name_zh: str
    calendar: str
    rules: Rules
    source: str
    valid_from: date = ALWAYS


def _business(n: int) -> Span:
    return Span(n, "business_days")


def _days(n: int) -> Span:
    return Span(n, "calendar_days")


def _rights(en: str, zh: str) -> Mapping[str, str]:
    return {"en": en, "zh": zh}


FOS = _rights(
    "You have the right to refer your complaint to the Financial Ombudsman Service, free of charge, but you must do so within "
    "six months of the date of this letter. If you do not, the Ombudsman will not have our permission to consider it and will "
    "only be able to do so in very limited circumstances. www.financial-ombudsman.org.uk",
    "您有权在本函日期起六个月内，将投诉免费提交英国金融申诉专员服务公司（FOS）处理；逾期，申诉专员仅在极少数情况下可以受理。"
    "www.financial-ombudsman.org.uk",
)
SEEDS = (
    Seed(
        *("DEFAULT", "Our own promise", "本公司承诺", ""),
        Rules(_business(1), None, _business(15), (Extension(15),), pause_reasons=(CUSTOMER, COURT, APPRAISAL)),
        "Our own choice.",
    ),
    Seed(
        *("UK-FCA", "Financial services, United Kingdom", "英国金融服务", "uk"),
        Rules(_business(3), _business(3), Span(8, "weeks"), years=3, rights=FOS),
        "FCA DISP 1.5.1R-1.5.4R, 1.6.1R-1.6.2R, 1.9.1R, 2.8.2R. Within 3 business days is our reading of “prompt”.",
    ),
    Seed(
        *("UK-PAY", "Payment services, United Kingdom and EU", "英国及欧盟支付服务", "uk"),
        Rules(_business(3), _business(3), _business(15), (Extension(20),), years=3, rights=FOS),
        "PSD2 Art. 101(2); DISP 1.6.2AR. At most 35 business days in all, with a holding reply.",
    ),
    Seed(
        *("UK-OFCOM", "Telecoms, United Kingdom", "英国电信", "uk"),
        Rules(decide=Span(8, "weeks")),
        "Ofcom: dispute resolution letter after 8 weeks, before 8 April 2026.",
    ),
    Seed(
        *("UK-OFCOM", "Telecoms, United Kingdom", "英国电信", "uk"),
        Rules(
            decide=Span(6, "weeks"),
            rights=_rights(
                "You may take your complaint to our dispute resolution scheme (CISAS or Communications Ombudsman); it is free.",
                "您可以将投诉免费提交争议解决机构（CISAS或通信申诉专员）处理。",
            ),
        ),
        "Ofcom decision of July 2025, in force 8 April 2026.",
        date(2026, 4, 8),
    ),
    Seed(
        *("EU-GEN", "Consumers, European Union", "欧盟消费者", ""),
        Rules(
            rights=_rights(
                "You may take your complaint to the alternative dispute resolution body named for our sector.",
                "您可以将投诉提交本行业的替代性争议解决机构。",
            )
        ),
        "Directive 2013/11/EU; the time is set by member state and sector.",
    ),
    Seed(
        *("EU-DSA-20", "Moderation by online platforms, European Union", "欧盟在线平台内容处置", ""),
        Rules(
            rights=_rights(
                "You may choose any certified out-of-court dispute settlement body (Article 21 of the Digital Services Act).",
                "您可以选择任何经认证的庭外争议解决机构（《数字服务法》第21条）。",
            )
        ),
        "Regulation (EU) 2022/2065 Art. 20: timely; no figure.",
    ),
    Seed(
        *("US-CFPB", "Consumer finance, United States", "美国消费金融", ""),
        Rules(decide=_days(15), extensions=(Extension(45),), start_rule="next_day"),
        "CFPB Company Portal Manual 8.1; 12 USC 5534: 15 days from when it was sent to us, final within 60.",
    ),
    Seed(
        *("US-DOT", "Air travel, United States", "美国航空运输", ""),
        Rules(_days(30), None, _days(60)),
        "14 CFR 259.7(c).",
    ),
    Seed(
        *("AU-RG271", "Financial services, Australia", "澳大利亚金融服务", ""),
        Rules(
            _business(1),
            _business(5),
            _days(30),
            rights=_rights(
                "You may take your complaint to the Australian Financial Complaints Authority (AFCA), free of charge.",
                "您可以将投诉免费提交澳大利亚金融投诉局（AFCA）处理。",
            ),
        ),
        "ASIC RG 271.",
    ),
    Seed(
        *("CN-BANKINS", "Banking and insurance, China", "银行业保险业（中国）", "cn"),
        Rules(
            decide=_days(15),
            extensions=(Extension(15), Extension(30, SUPERVISOR)),
            pause_reasons=(APPRAISAL,),
            restart_on_new_facts=True,
            rights=_rights(
                "If you do not agree, you may within 30 days ask our higher unit to check this decision. You may also ask for "
                "mediation by a dispute mediation body, or turn to the regulator.",
                "如您对处理决定有异议，可以自收到决定之日起三十日内向我们的上级单位申请核查，也可以向行业纠纷调解组织申请调解，"
                "或者向监管部门反映。",
            ),
        ),
        "银行业保险业消费投诉处理管理办法 (CBIRC Order 3/2020): 15 days, 30 where complex, 60 in special cases.",
        date(2020, 3, 1),
    ),
    Seed(
        *("CN-TELECOM", "Telecoms, China", "电信（中国）", "cn"),
        Rules(
            decide=_days(15),
            rights=_rights(
                "If you do not agree, you may appeal to the telecom users' appeal authority (申诉).",
                "如您对处理结果不满意，可以向电信用户申诉受理机构申诉。",
            ),
        ),
        "电信用户申诉处理办法 (MIIT Order 35/2016).",
    ),
    Seed(
        *("CN-12315", "Forwarded by the market authority, China", "市场监管部门转办（12315）", "cn"),
        Rules(
            _business(7),
            None,
            _days(60),
            rights=_rights(
                "If mediation ends without agreement, you may turn to a court or an arbitration body.",
                "调解不成的，您可以依法申请仲裁或者向人民法院起诉。",
            ),
        ),
        "SAMR Order 121, in force 15 April 2026; seven working days: Order 20 Art. 14. The authority's own clock.",
    ),
    Seed(
        *("CN-CONSUMER", "Consumers and online shops, China", "消费者权益（含电子商务，中国）", "cn"),
        Rules(
            decide=_business(7),
            rights=_rights(
                "You may turn to the consumer association, the authority for your region, arbitration or a court.",
                "您可以向消费者协会或者有关行政部门投诉，也可以申请仲裁或者向人民法院起诉。",
            ),
        ),
        "消费者权益保护法 Art. 46: the department handles in 7 working days.",
    ),
)
