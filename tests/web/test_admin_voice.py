"""The telephone's settings through their real pages: closures, menus, texts, rules, numbers."""

from __future__ import annotations

import re
from html import unescape

from sqlalchemy import select

from desk.events import Event
from desk.models import BlockedNumber, CallFlow, CallFlowVersion, LineClosure, OurNumber
from desk.queries.calls.voice_audio import audio_of
from desk.queries.calls.voice_policy import VoicePolicy, voice_policy
from desk.queries.calls.voice_texts import text_of
from desk.voice_texts import TEXTS
from desk.web.admin.voice_words import TEXT_NAMES
from tests.web.board_world import admin, boss, world  # noqa: F401 - fixtures among them
from tests.web.forms import filled, form_with
from tests.web.sounds import pcm

WAV = b"RIFF\x04\x00\x00\x00WAVE"


def words(page):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def kept(world):
    with world.desk.store.read() as session:
        return voice_policy(session)


def flow_page(world, admin):
    """The page of new menus and its form."""
    form = form_with(admin.get("/admin/voice/menus").text, "name")
    address = admin.post("/admin/voice/menus", data=filled(form, name=f"Menus {len(world.all(select(CallFlow.id)))}"))
    assert address.status_code == 303
    path = address.headers["Location"]
    return path, form_with(admin.get(path).text, "person")


def with_press(fields, name, value):
    return [*fields, (name, value)]


def test_a_supervisor_closes_the_lines_in_one_step_and_opens_them_again(world, boss):
    form = form_with(boss.get("/admin/voice").text, "reason_zh")
    assert boss.post("/admin/voice/close", data=form).status_code == 303
    page = words(boss.get("/admin/voice").text)
    assert "lines closed" in page
    assert "因技术故障，热线暂停，恢复时间另行通知。" in page
    assert "The lines are closed." in words(boss.get("/board").text)
    assert boss.post("/admin/voice/close", data=form).status_code == 409
    closure = world.one(select(LineClosure))
    assert boss.post(f"/admin/voice/closures/{closure.id}/end", data=form[:1]).status_code == 303
    assert "The lines are closed." not in words(boss.get("/board").text)
    told = world.all(select(Event.kind).where(Event.kind.like("voice.lines_%")).order_by(Event.id))
    assert told == ["voice.lines_closed", "voice.lines_opened"]


def test_a_closure_that_says_nothing_of_use_is_not_begun(world, boss):
    form = form_with(boss.get("/admin/voice").text, "reason_zh")
    for name, value in (
        ("reason_zh", ""),
        ("reason_en", "x" * 81),
        ("reason_en", "{time}"),
        ("expires_at", ""),
        ("expires_at", "2001-01-01T00:00"),
        ("expires_at", "9999-12-31T23:59"),
        ("expires_at", "0001-01-01T00:00"),
        ("expires_at", "tomorrow"),
        ("expected_at", "2001-01-01T00:00"),
    ):
        assert boss.post("/admin/voice/close", data=filled(form, **{name: value})).status_code == 422, (name, value)
    assert world.one(select(LineClosure)) is None


def test_menus_are_written_tried_out_published_and_brought_back(world, admin):
    path, form = flow_page(world, admin)
    assert "For billing, press 1." in admin.get(path).text
    changed = filled(form, **{"menus.0.options.0.label.en": "invoices"})
    tried = admin.post(f"{path}/walk", data=with_press(changed, "press", "2"), headers={"HX-Request": "true"})
    assert "For invoices, press 1." in words(tried.text)
    walked = with_press(filled(changed, walked="2"), "press", "1")
    assert "Calls are recorded" in admin.post(f"{path}/walk", data=walked, headers={"HX-Request": "true"}).text
    walked = with_press(filled(changed, walked="2,1"), "press", "-")
    assert "waits in the queue “Billing”" in words(admin.post(f"{path}/walk", data=walked, headers={"HX-Request": "true"}).text)
    assert world.one(select(Event.id).where(Event.kind == "voice.menus_saved")) is None

    assert admin.post(path, data=with_press(changed, "then", "publish")).status_code == 303
    flow = world.one(select(CallFlow).order_by(CallFlow.id.desc()))
    assert flow.published == 1
    again = filled(form_with(admin.get(path).text, "person"), **{"menus.0.options.0.label.en": "bills"})
    assert admin.post(path, data=again).status_code == 303
    assert "draft; callers hear version 1" in words(admin.get(path).text)
    assert admin.post(path, data=changed).status_code == 409  # made from what was there before
    assert admin.post(f"{path}/restore", data=with_press(form[:1], "version", "1")).status_code == 303
    draft = world.one(select(CallFlow.draft).where(CallFlow.id == flow.id))
    assert draft == world.one(select(CallFlowVersion.content).where(CallFlowVersion.flow_id == flow.id))


def test_menus_that_would_lose_callers_are_kept_as_a_draft_and_not_published(world, admin):
    path, form = flow_page(world, admin)
    lost = filled(form, **{"menus.0.options.1.do": "menu"})
    answer = admin.post(path, data=with_press(lost, "then", "publish"))
    assert answer.status_code == 422
    assert "leads to a menu that is not there: callers would be lost." in words(answer.text)
    flow = world.one(select(CallFlow).order_by(CallFlow.id.desc()))
    assert (flow.published, flow.draft["menus"][0]["options"][1]["do"]) == (0, "menu")


def test_keys_and_menus_are_added_moved_and_removed_before_anything_is_saved(world, admin):
    path, form = flow_page(world, admin)

    def after(fields, act):
        page = admin.post(f"{path}/edit", data=with_press(fields, "do", act))
        assert page.status_code == 200
        return form_with(page.text, "person")

    form = after(form, "option:0")
    assert dict(form)["menus.0.options.3.key"] == "4"
    form = after(form, "up:0:3")
    assert dict(form)["menus.0.options.2.key"] == "4"
    form = after(form, "drop:0:2")
    form = after(after(form, "menu"), "menu")
    assert dict(form)["menus.2.key"] != dict(form)["menus.1.key"]
    form = after(form, "drop:1")
    assert "menus.2.key" not in dict(form)
    for nonsense in ("", "drop:0", "drop:99", "option:x", "up:0:77", "launch", "drop:-1:0"):
        assert after(form, nonsense)[1:] == form[1:]  # but for the token
    assert world.one(select(CallFlow.draft).order_by(CallFlow.id.desc())) != {}
    assert len(world.one(select(CallFlow.draft).order_by(CallFlow.id.desc()))["menus"]) == 1


def test_audio_for_a_menu_is_kept_played_and_taken_away_again(world, admin):
    path, form = flow_page(world, admin)
    files = {"menus.0.file.en": ("menu.wav", WAV, "audio/wav")}
    assert admin.post(path, data=form, files=files).status_code == 303
    page = admin.get(path).text
    address = re.search(r'src="(/hooks/twilio/voice/audio/[^"]+)"', page)[1]
    assert admin.get(address).content == WAV
    gone = with_press(form_with(page, "person"), "menus.0.spoken.en", "1")
    assert admin.post(path, data=gone).status_code == 303
    assert "/hooks/twilio/voice/audio/" not in admin.get(path).text
    bad = {"menus.0.file.en": ("menu.wav", b"MZ not audio at all", "audio/wav")}
    assert admin.post(path, data=form_with(admin.get(path).text, "person"), files=bad).status_code == 422


def test_music_for_who_waits_is_uploaded_heard_and_given_up_again(world, admin):
    path, form = flow_page(world, admin)
    assert 'src="/static/music/waiting.wav"' in admin.get(path).text
    song = pcm(30)
    assert admin.post(path, data=form, files={"music.file": ("song.wav", song, "audio/wav")}).status_code == 303
    page = admin.get(path).text
    address = re.search(r'src="(/hooks/twilio/voice/audio/[^"]+)"', page)[1]
    assert admin.get(address).content == song
    for bad in (pcm(9), pcm(301), WAV, b"no sound at all"):
        refused = admin.post(path, data=form_with(page, "person"), files={"music.file": ("song.wav", bad, "audio/wav")})
        assert refused.status_code == 422
        assert address in refused.text, "what was there stays"
    ours = with_press(form_with(page, "person"), "music.ours", "1")
    assert admin.post(path, data=ours).status_code == 303
    assert address not in admin.get(path).text
    assert admin.get(address).status_code == 404
    made_up = with_press(form_with(admin.get(path).text, "person"), "music", "9999999")
    assert admin.post(path, data=[*made_up, ("then", "publish")]).status_code == 422


def test_a_text_is_written_otherwise_heard_and_reset(world, admin):
    path = "/admin/voice/texts/closed"
    form = form_with(admin.get(path).text, "zh")
    mine = filled(form, en="Nobody is here. Hours: {hours}. Back {opens}.")
    preview = admin.post(f"{path}/draft", data=mine, headers={"HX-Request": "true"})
    assert "Back on Monday at 9 in the morning." in words(preview.text)
    assert admin.post(path, data=mine).status_code == 303
    assert admin.post(path, data=filled(form, en="Other {hours} {opens}")).status_code == 409
    for wrong in ("", "x" * 801, "No names", "{hours} {opens} {nobody}", "{hours} {opens} }", "{hours} {Opens} {opens}"):
        assert admin.post(path, data=filled(form_with(admin.get(path).text, "zh"), en=wrong)).status_code == 422, wrong
    assert admin.post(f"{path}/reset", data=form[:1]).status_code == 303
    with world.desk.store.read() as session:
        assert text_of(session, "closed").words == TEXTS["closed"]


def test_audio_takes_the_place_of_words_that_are_always_the_same(world, admin):
    path = "/admin/voice/texts/recorded"
    form = form_with(admin.get(path).text, "zh")
    assert admin.post(path, data=form, files={"zh.file": ("note.wav", WAV, "audio/wav")}).status_code == 303
    token = re.search(r"/audio/([^\"]+)\"", admin.get(path).text)[1]
    with world.desk.store.read() as session:
        assert text_of(session, "recorded").audio["zh"] == audio_of(session, token).id
    for data in (b"text", b"", b"\x89PNG\r\n\x1a\n"):
        files = {"en.file": ("note.mp3", data, "audio/mpeg")}
        assert admin.post(path, data=form_with(admin.get(path).text, "zh"), files=files).status_code == 422
    form = form_with(admin.get("/admin/voice/texts/closed").text, "zh")
    assert admin.post("/admin/voice/texts/closed", data=[*form, ("zh.audio", "1")]).status_code == 303  # is not taken
    with world.desk.store.read() as session:
        assert text_of(session, "closed").audio["zh"] == 0


def test_rules_out_of_bounds_are_refused(world, admin):
    form = form_with(admin.get("/admin/voice/rules").text, "pause_s")
    for name, value in (
        ("pause_s", "0"),
        ("pause_s", "x"),
        ("queue_limit", "0"),
        ("callback_until", "07:00"),
        ("callback_from", "9"),
        ("emergency_number", "a"),
    ):
        assert admin.post("/admin/voice/rules", data=filled(form, **{name: value})).status_code == 422, (name, value)
    assert kept(world) == VoicePolicy()


def test_rules_hold_at_once_and_two_editors_do_not_overwrite_one_another(world, admin):
    form = form_with(admin.get("/admin/voice/rules").text, "pause_s")
    assert admin.post("/admin/voice/rules", data=form).status_code == 303
    assert world.one(select(Event.id).where(Event.kind == "voice.rules_set")) is None
    changed = [(name, value) for name, value in filled(form, pause_s="60", emergency_number="112") if name != "recording"]
    assert admin.post("/admin/voice/rules", data=changed).status_code == 303
    assert (kept(world).recording, kept(world).pause_s, kept(world).emergency_number) == (False, 60, "112")
    answer = admin.post("/admin/voice/rules", data=filled(form, pause_s="90"))
    assert answer.status_code == 409
    assert "Somebody else has changed this" in answer.text
    noted = world.one(select(Event).where(Event.kind == "voice.rules_set"))
    assert (noted.data["old"]["pause_s"], noted.data["new"]["pause_s"]) == (120, 60)


def test_numbers_of_ours_and_numbers_that_are_refused(world, admin):
    flow_page(world, admin)
    form = form_with(admin.get("/admin/voice").text, "number")
    assert admin.post("/admin/voice/numbers", data=filled(form, number="021 5550 1999", name="Sales")).status_code == 303
    row = world.one(select(OurNumber))
    assert row.number == "+862155501999"
    assert admin.post("/admin/voice/numbers", data=filled(form, number="+862155501999", name="Again")).status_code == 409
    assert admin.post("/admin/voice/numbers", data=filled(form, number="12", name="Short")).status_code == 422
    path = f"/admin/voice/numbers/{row.id}"
    assert admin.post(path, data=filled(form_with(admin.get(path).text, "seen"), locale="zh")).status_code == 303
    assert world.one(select(OurNumber.locale)) == "zh"
    assert admin.post(f"{path}/remove", data=form[:1]).status_code == 303
    assert world.one(select(OurNumber)) is None

    form = form_with(admin.get("/admin/voice/blocked").text, "reason")
    assert admin.post("/admin/voice/blocked", data=filled(form, number="+8613800138009", reason="")).status_code == 422
    assert admin.post("/admin/voice/blocked", data=filled(form, number="+8613800138009", reason="threats")).status_code == 303
    blocked = world.one(select(BlockedNumber))
    assert admin.post(f"/admin/voice/blocked/{blocked.id}/remove", data=form[:1]).status_code == 303
    assert world.one(select(BlockedNumber)) is None


def test_a_supervisor_reads_all_of_it_and_changes_nothing_but_the_closure(world, boss, admin):
    path, form = flow_page(world, admin)
    for address in (
        "/admin/voice",
        "/admin/voice/rules",
        "/admin/voice/texts",
        "/admin/voice/texts/hold",
        "/admin/voice/menus",
        path,
    ):
        assert boss.get(address).status_code == 200
    token = form_with(boss.get(path).text, "seen")[:1]  # a browser sends nothing of fields that may not be changed
    tried = boss.post(f"{path}/walk", data=with_press(token, "press", "2"), headers={"HX-Request": "true"})
    assert "For billing, press 1." in words(tried.text)
    assert boss.get("/admin/voice/blocked").status_code == 403
    assert boss.post(path, data=form).status_code in (400, 403)
    assert boss.get("/admin/voice/texts/nothing").status_code == 404
    assert boss.get("/admin/voice/menus/999").status_code == 404


def test_every_text_that_callers_hear_has_a_name_for_who_changes_it():
    assert set(TEXT_NAMES) == set(TEXTS)
