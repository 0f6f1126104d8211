"""Menus for callers: written as a draft, tried out key by key on the page, published as a version; an old version comes back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response

from desk.access import Right
from desk.actions.calls import menus as flows
from desk.actions.calls.voice_texts import add_audio, check_audio
from desk.errors import Conflict, Invalid
from desk.files import KeptFile
from desk.http.context import is_fragment, keep_uploads, reading, writing
from desk.http.guard import needs
from desk.http.incoming import whole
from desk.http.nouns import CATEGORIES, skill_word
from desk.models import Queue
from desk.queries.calls.menus import all_flows, flow_of, one_flow, version_of, versions_of
from desk.queries.calls.voice_texts import address_of
from desk.queries.calls.walk_through import heard, walk
from desk.queries.people.skills import known_skills
from desk.queries.work.queues import all_queues, last_change
from desk.store import Tx
from desk.web.admin.flow_form import changed, typed_flow
from desk.web.admin.page import field_errors, page
from desk.web.admin.sent_music import sent_music
from desk.web.admin.voice_words import DOES
from desk.web.public.reader import language
from desk.web.voice.waiting import MUSIC
from routing.call_flow import BUILT_IN, LANGUAGES, Flow, Problem

pages = Blueprint("admin_voice_menus", __name__, url_prefix="/admin/voice/menus")

TOPICS = {"general": lazy_gettext("Something else"), "complaint": lazy_gettext("Complaint"), **CATEGORIES}


@pages.get("")
@needs(Right.READ_SETTINGS)
def built_in() -> str:
    """The menus that callers hear while nobody has written any."""
    with reading() as session:
        return page("admin/voice_menus.html", flows=all_flows(session), heard=_heard(BUILT_IN), flow=BUILT_IN)


@pages.post("")
@needs(Right.ADMINISTER)
def add() -> Response | tuple[str, int]:
    try:
        with writing() as tx:
            flow = flows.add_flow(tx, request.form.get("name", ""))
    except (Invalid, Conflict) as wrong:
        with reading() as session:
            every, errors = all_flows(session), field_errors(wrong, "name")
            return page("admin/voice_menus.html", flows=every, heard=_heard(BUILT_IN), flow=BUILT_IN, errors=errors), wrong.status
    return redirect(url_for("admin_voice_menus.one", flow_id=flow.id), 303)


@pages.get("/<int:flow_id>")
@needs(Right.READ_SETTINGS)
def one(flow_id: int) -> str:
    with reading() as session:
        row = one_flow(session, flow_id)
        return _page(flow_id, Flow.from_dict(row.draft), row.name)


@pages.post("/<int:flow_id>")
@needs(Right.ADMINISTER)
def save(flow_id: int) -> Response | tuple[str, int]:
    """Keep the draft; with `then=publish` let callers hear it, if nothing is wrong with it."""
    typed, name, was = typed_flow(request.form), request.form.get("name", ""), request.form.get("seen", "")
    try:
        files, music = _uploads(typed), sent_music()
        with writing() as tx:
            typed = _with_audio(tx, typed, files)
            typed = replace(typed, music=add_audio(tx, music).id) if music else typed
            row = one_flow(tx.session, flow_id)
            flows.save_draft(tx, row, typed, name, seen=was)
    except Invalid as wrong:
        return _page(flow_id, typed, name, errors=field_errors(wrong, "name"), seen_as=was), wrong.status
    except Conflict as wrong:
        return _page(flow_id, typed, name, conflict=True), wrong.status
    if request.form.get("then") != "publish":
        flash(gettext("The draft is saved. Callers go on hearing what is published."), "good")
        return redirect(url_for("admin_voice_menus.one", flow_id=flow_id), 303)
    try:
        with writing() as tx:
            number = flows.publish(tx, one_flow(tx.session, flow_id)).number
    except Invalid as wrong:
        return _page(flow_id, typed, name, refused=True), wrong.status
    flash(gettext("Version %(number)s is published: the next call goes by it.", number=number), "good")
    return redirect(url_for("admin_voice_menus.one", flow_id=flow_id), 303)


@pages.post("/<int:flow_id>/edit")
@needs(Right.ADMINISTER)
def edit(flow_id: int) -> str:
    """The form with a menu or a key more, fewer, or elsewhere. Nothing is saved."""
    typed = changed(typed_flow(request.form), request.form.get("do", ""))
    return _page(flow_id, typed, request.form.get("name", ""), seen_as=request.form.get("seen", ""), unsaved=True)


@pages.post("/<int:flow_id>/walk")
@needs(Right.READ_SETTINGS)
def try_out(flow_id: int) -> str:
    """What callers would hear by what is being typed, and the walk one key on. Nothing is saved."""
    typed = typed_flow(request.form) if "menus.0.key" in request.form else _draft(flow_id)  # who may only read sends no form
    walked, press = request.form.get("walked", ""), request.form.get("press")
    keys = [] if press == "again" else [*_keys(walked), *([press.strip("-")] if press is not None else [])]
    if not is_fragment():
        return _page(flow_id, typed, request.form.get("name", ""), seen_as=request.form.get("seen", ""), keys=keys)
    return page("admin/_voice_walk.html", flow=typed, flow_id=flow_id, **_tried(typed, keys))


@pages.post("/<int:flow_id>/restore")
@needs(Right.ADMINISTER)
def restore(flow_id: int) -> Response:
    number = whole(request.form.get("version", "")) or 0
    with writing() as tx:
        row = one_flow(tx.session, flow_id)
        flows.restore(tx, row, version_of(tx.session, flow_id, number))
    flash(gettext("Version %(number)s is the draft again. Publish it to let callers hear it.", number=number), "good")
    return redirect(url_for("admin_voice_menus.one", flow_id=flow_id), 303)


def _draft(flow_id: int) -> Flow:
    with reading() as session:
        return Flow.from_dict(one_flow(session, flow_id).draft)


def _keys(walked: str) -> list[str]:
    """The keys pressed so far; "-" stands for silence."""
    return [key.strip("-") for key in walked.split(",") if key]


def _tried(flow: Flow, keys: list[str]) -> dict[str, Any]:
    with reading() as session:
        gone = walk(session, "", flow, keys)
        wrong = [(each.field, _sentence(each)) for each in flows.found_in(session, flow)]
        queues = {row.queue.key: row.queue for row in all_queues(session)}
        music = address_of(session, "", flow.music) or MUSIC
    return {"walk": gone, "wrong": wrong, "heard": _heard(flow), "queues": queues, "does": DOES, "music": music}


def _sentence(problem: Problem) -> str:
    """What is wrong, in words; a menu that has no name yet is called what its box is."""
    values = problem.values
    if values.get("menu") == "":
        values = {**values, "menu": gettext("New menu")}
    return gettext(flows.SENTENCES[problem.code], **values)


def _heard(flow: Flow) -> dict[str, Any]:
    with reading() as session:
        return heard(session, "", flow)


def _page(
    flow_id: int,
    flow: Flow,
    name: str,
    *,
    errors: dict[str, str] | None = None,
    conflict: bool = False,
    refused: bool = False,
    unsaved: bool = False,
    seen_as: str = "",
    keys: list[str] | None = None,
) -> str:
    with reading() as session:
        row = one_flow(session, flow_id)
        versions = versions_of(session, flow_id)
        queues = all_queues(session)
        skills = [(skill, skill_word(skill)) for skill in known_skills(session) if not skill.startswith("lang:")]
        sides = [(menu, lang) for menu in flow.menus for lang in LANGUAGES]
        audio = {(menu.key, lang): address_of(session, "", menu.audio[lang]) for menu, lang in sides}
        changed_by = last_change(session, "voice.menus_saved", lambda event: event.data.get("flow") == flow_id)
        current = next((version for version in versions if version.number == row.published), None)
        is_current = current is not None and flow_of(session, current.id) == flow
    return page(
        "admin/voice_flow.html",
        row=row,
        name=name,
        flow_id=flow_id,
        flow=flow,
        versions=versions,
        is_current=is_current,
        queue_options=[(each.queue.key, _name(each.queue)) for each in queues],
        topics=list(TOPICS.items()),
        skills=skills,
        audio=audio,
        errors=errors or {},
        conflict=conflict,
        refused=refused,
        unsaved=unsaved,
        seen=seen_as or flows.seen_of(row),
        by=changed_by,
        **_tried(flow, keys or []),
    )


def _name(queue: Queue) -> str:
    return (queue.name_zh or queue.name) if language() == "zh" else queue.name


def _uploads(flow: Flow) -> dict[tuple[int, str], KeptFile]:
    """The audio sent with the form, by menu and language."""
    files = {}
    for at in range(len(flow.menus)):
        for lang in LANGUAGES:
            for file in keep_uploads(f"menus.{at}.file.{lang}")[:1]:
                check_audio(file)
                files[at, lang] = file
    return files


def _with_audio(tx: Tx, flow: Flow, files: dict[tuple[int, str], KeptFile]) -> Flow:
    added = {where: add_audio(tx, file).id for where, file in files.items()}
    menus = [
        replace(menu, audio={lang: added.get((at, lang), menu.audio[lang]) for lang in LANGUAGES})
        for at, menu in enumerate(flow.menus)
    ]
    return replace(flow, menus=tuple(menus))
