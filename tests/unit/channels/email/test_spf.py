"""SPF: which machine may send for a domain, by the rules and limits of RFC 7208."""

from __future__ import annotations

import pytest

from channels.email.spf import check_spf
from tests.unit.channels.email.names import Names

IP, IP6 = "192.0.2.3", "2001:db8::cb01"


def spf(record, *, ip=IP, sender="li@example.com", helo="mail.example.com", more=None, silent=()):
    records = {("example.com", "TXT"): ["google-site-verification=x", record], **(more or {})}
    return check_spf(ip, sender, helo, Names(records, silent))[0]


@pytest.mark.parametrize(
    ("record", "result"),
    [
        ("v=spf1 +all", "pass"),
        ("v=spf1 -all", "fail"),
        ("v=spf1 ~all", "softfail"),
        ("v=spf1 ?all", "neutral"),
        ("v=spf1", "neutral"),
        ("v=spf1 ip4:192.0.2.0/24 -all", "pass"),
        ("v=spf1 ip4:192.0.2.4 -all", "fail"),
        ("v=spf1 ip6:2001:db8::/32 -all", "fail"),
        ("v=spf1 a -all", "pass"),
        ("v=spf1 a/30 -all", "pass"),
        ("v=spf1 a:other.example.com/24//64 -all", "pass"),
        ("v=spf1 mx -all", "pass"),
        ("v=spf1 ptr -all", "pass"),
        ("v=spf1 include:good.example -all", "pass"),
        ("v=spf1 include:bad.example -all", "fail"),
        ("v=spf1 include:nothing.example -all", "permerror"),
        ("v=spf1 redirect=good.example", "pass"),
        ("v=spf1 redirect=nothing.example", "permerror"),
        ("v=spf1 exists:%{ir}.%{v}._spf.%{d2} -all", "pass"),
        ("v=spf1 exists:%{l1r-}.users.example -all", "pass"),
        ("v=spf1 exists:%{t}.example -all", "permerror"),
        ("v=spf1 exists:%x.example -all", "permerror"),
        ("v=spf1 whatever -all", "permerror"),
        ("v=spf1 ip4:300.1.1.1 -all", "permerror"),
        ("v=spf1 include -all", "permerror"),
        ("v=spf1  -all ", "fail"),
        ("V=SPF1 -ALL", "fail"),
        ("v=spf1 future=thing -all", "fail"),
        ("v=spf10 -all", "none"),
    ],
)
def test_records_are_read_as_the_rfc_says(record, result):
    more = {
        ("example.com", "A"): [IP],
        ("other.example.com", "A"): ["192.0.2.200"],
        ("example.com", "MX"): ["mx.example.com"],
        ("mx.example.com", "A"): [IP],
        ("3.2.0.192.in-addr.arpa", "PTR"): ["lies.example", "mail.example.com"],
        ("mail.example.com", "A"): [IP],
        ("good.example", "TXT"): ["v=spf1 ip4:192.0.2.3 -all"],
        ("bad.example", "TXT"): ["v=spf1 -all"],
        ("3.2.0.192.in-addr._spf.example.com", "A"): ["127.0.0.1"],
        ("li.users.example", "A"): ["127.0.0.1"],
    }
    assert spf(record, more=more) == result


def test_ip_version_six_is_matched_and_a_mapped_address_is_version_four():
    assert spf("v=spf1 ip6:2001:db8::/32 -all", ip=IP6) == "pass"
    assert spf("v=spf1 a -all", ip=IP6, more={("example.com", "AAAA"): [IP6]}) == "pass"
    assert spf("v=spf1 ip4:192.0.2.3 -all", ip="::ffff:192.0.2.3") == "pass"
    assert spf("v=spf1 -all", ip="") == "none"


def test_a_delivery_report_is_judged_by_the_name_in_the_greeting():
    records = {("mail.example.com", "TXT"): ["v=spf1 ip4:192.0.2.3 -all"]}
    assert check_spf(IP, "", "mail.example.com", Names(records)) == ("pass", "mail.example.com")
    assert check_spf(IP, "", "localhost", Names(records))[0] == "none"


def test_a_record_that_asks_too_much_is_useless_and_stops_us_soon():
    chain = {(f"c{n}.example", "TXT"): [f"v=spf1 include:c{n + 1}.example -all"] for n in range(50)}
    names = Names({("example.com", "TXT"): ["v=spf1 include:c0.example -all"], **chain})
    assert check_spf(IP, "a@example.com", "", names)[0] == "permerror"
    assert names.asked <= 12
    loop = Names({("example.com", "TXT"): ["v=spf1 include:example.com -all"]})
    assert check_spf(IP, "a@example.com", "", loop)[0] == "permerror"
    assert spf("v=spf1 a:one.example a:two.example a:three.example -all") == "permerror"


def test_a_name_system_that_is_silent_is_no_failure_of_the_sender():
    assert spf("v=spf1 a -all", silent={"example.com"}) == "temperror"


def test_two_records_are_none():
    names = Names({("example.com", "TXT"): ["v=spf1 +all", "v=spf1 -all"]})
    assert check_spf(IP, "a@example.com", "", names)[0] == "permerror"
