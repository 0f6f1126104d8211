"""Twilio's REST API on loopback: every request is held against Twilio's official definition, and so is every answer.

Behind it stands the simulated carrier, which does what was asked: a desk whose account is here makes real calls, by HTTP.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl

from flask import Flask, Response, jsonify, request
from twilio.http.http_client import TwilioHttpClient
from werkzeug.serving import make_server

from channels.voice import twilio_carrier
from channels.voice.port import Carrier, CarrierFailed, RoomInfo, SeatInfo
from channels.voice.twilio_way import client_by
from tests.twilio.definition import Operation, definition
from tests.twilio.fake_rows import ACCOUNT, OLD, conference_row, page_of, participant_row

TOKEN = "the token of a made-up account"
KEY, SECRET = "SK" + "2b" * 16, "the secret of its API key, and it is long"
twilio_carrier._TIMEOUT_S = 60.0  # a busy machine is slow, not wrong
STATUS_OF_CODE = {20404: 404, 20003: 401, 20429: 429, 20503: 503}


class Refused(Exception):
    """The API refuses: HTTP status and Twilio's error number."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass
class Account:
    """What a customer has set up at Twilio; tests spoil it."""

    status: str = "active"
    type: str = "Full"
    numbers: list[dict[str, Any]] = field(default_factory=list)
    apps: dict[str, dict[str, Any]] = field(default_factory=dict)
    keys: set[str] = field(default_factory=lambda: {KEY})


class FakeTwilio:
    """The API of one account. `seen` are the operations asked for, `faults` what was wrong with any of them."""

    def __init__(self, carrier: Carrier, token: str = TOKEN) -> None:
        self.carrier = carrier
        self._token = token
        self.account = Account()
        self.seen: list[str] = []
        self.faults: list[str] = []
        self.refuse: list[tuple[int, int]] = []  # HTTP status and error number of the next answers
        self._recordings: dict[str, dict[str, Any]] = {}
        self._room_names: dict[str, str] = {}
        self._app = Flask("twilio")
        self._app.add_url_rule("/<path:path>", view_func=self._answer, methods=["GET", "POST", "DELETE", "PUT"])
        self._server = make_server("127.0.0.1", 0, self._app, threaded=True)
        self._server.daemon_threads = True

    @property
    def port(self) -> int:
        return self._server.server_port

    @contextmanager
    def running(self) -> Iterator[FakeTwilio]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()

    def client(self) -> TwilioHttpClient:
        """What the SDK is given: everything for Twilio goes here, and nothing to anybody else."""
        return client_to(self.port)

    # Requests

    def _answer(self, path: str) -> Response | tuple[Response, int]:
        path = "/" + path
        recording = re.fullmatch(r"/2010-04-01/Accounts/(AC\w{32})/Recordings/(RE\w{32})\.wav", path)
        try:
            self._sign_in(path)
            if self.refuse:
                status, code = self.refuse.pop(0)
                raise Refused(status, code, "refused by the test")
            if recording:
                return self._media(recording.group(2))
            return self._conforming(path)
        except Refused as refused:
            problem = {"code": refused.code, "message": str(refused), "status": refused.status}
            return jsonify({**problem, "more_info": f"https://www.twilio.com/docs/errors/{refused.code}"}), refused.status

    def _conforming(self, path: str) -> Response | tuple[Response, int]:
        operation = definition().operation(request.method, path)
        if operation is None:
            self.faults.append(f"{request.method} {path}: Twilio has no such thing")
            raise Refused(404, 20404, f"The requested resource {path} was not found")
        query = parse_qsl(request.query_string.decode(), keep_blank_values=True)
        form = parse_qsl(request.get_data(as_text=True), keep_blank_values=True)
        faults = definition().faults_of_request(operation, query, form, request.content_type or "")
        faults += _faults_in_words(operation, dict(form))
        self.seen.append(operation.name)
        if faults:
            self.faults += [f"{operation.name}: {fault}" for fault in faults]
            raise Refused(400, 20001, "; ".join(faults))
        status, body = self._do(operation, dict(form), dict(query))
        wrong = definition().faults_of_answer(operation, status, body)
        assert not wrong, (operation.name, wrong)
        return (jsonify(body) if body is not None else Response()), status

    def _sign_in(self, path: str) -> None:
        """The account's own credentials may do all; a standard API key not what is about accounts and keys."""
        given = request.authorization
        pair = (given.username, given.password) if given else None
        with_key = pair == (KEY, SECRET)
        if f"/Accounts/{ACCOUNT}" not in path or not (pair == (ACCOUNT, self._token) or with_key):
            raise Refused(401, 20003, "Authenticate")
        if with_key and (path.endswith(f"Accounts/{ACCOUNT}.json") or "/Keys" in path):
            raise Refused(401, 20003, "Authenticate")

    def _do(self, operation: Operation, form: dict[str, str], query: dict[str, str]) -> tuple[int, Any]:
        verbs: dict[str, Callable[..., Any]] = {
            "CreateParticipant": self._add,
            "UpdateParticipant": self._change,
            "DeleteParticipant": self._remove,
            "ListParticipant": self._seats,
            "UpdateConference": self._end_room,
            "FetchConference": self._room,
            "ListConference": self._rooms,
            "UpdateCall": self._change_call,
            "FetchCall": self._call,
            "CreateCallRecording": self._record,
            "UpdateCallRecording": self._change_recording,
            "FetchCallRecording": self._recording,
            "DeleteRecording": self._delete_recording,
            "FetchAccount": self._fetch_account,
            "ListIncomingPhoneNumber": self._numbers,
            "FetchApplication": self._application,
            "FetchKey": self._key,
        }
        verb = verbs.get(operation.name)
        if verb is None:
            raise Refused(501, 20008, f"The fake does not do {operation.name}")
        try:
            body = verb(dict(operation.values), form, query)
        except CarrierFailed as failed:
            code = failed.code or 20001
            raise Refused(STATUS_OF_CODE.get(code, 503 if failed.retryable else 400), code, str(failed)) from failed
        return {"CreateParticipant": 201, "CreateCallRecording": 201}.get(operation.name, 200 if body is not None else 204), body

    # Rooms

    def _add(self, path: dict[str, str], form: dict[str, str], _query: dict[str, str]) -> dict[str, Any]:
        options: dict[str, Any] = {}
        if form.get("CallSidToCoach"):
            options["coach"] = form["CallSidToCoach"]
        if form.get("Muted") == "true":
            options["muted"] = True
        if form.get("StartConferenceOnEnter") == "false":
            options["start_on_enter"] = False
        if "MachineDetection" in form:
            options |= {"machine_detection": True, "amd_url": form.get("AmdStatusCallback", "")}
        if "TimeLimit" in form:
            options["time_limit_s"] = int(form["TimeLimit"])
        if "ConferenceStatusCallback" in form:
            options["room_url"] = form["ConferenceStatusCallback"]
        room = path["ConferenceSid"]
        sid = self.carrier.add_participant(
            conference=room,
            # A client is called agent_7 at Twilio, which takes no hyphens, and agent-7 by the simulated telephones.
            to=form["To"].replace("_", "-") if form["To"].startswith("client:") else form["To"],
            from_=form["From"],
            label=form.get("Label", ""),
            status_url=form.get("StatusCallback", ""),
            ring_timeout_s=int(form.get("Timeout", "60")),
            end_conference_on_exit=form.get("EndConferenceOnExit") == "true",
            **options,
        )
        info = self.carrier.room_info(room)
        assert info is not None
        self._room_names[info.sid] = info.name
        return participant_row(info.sid, SeatInfo(sid, form.get("Label", ""), status="queued"))

    def _change(self, path: dict[str, str], form: dict[str, str], query: dict[str, str]) -> dict[str, Any]:
        room, leg = path["ConferenceSid"], path["CallSid"]
        names = {"conference_sid": room, "call_sid": leg}
        if "Hold" in form:
            self.carrier.hold(**names, on=form["Hold"] == "true", hold_url=form.get("HoldUrl", ""))
        if "AnnounceUrl" in form:
            self.carrier.announce(**names, url=form["AnnounceUrl"])
        options: dict[str, Any] = {}
        if "Muted" in form:
            options["muted"] = form["Muted"] == "true"
        if "Coaching" in form:
            options["coach"] = form["CallSidToCoach"] if form["Coaching"] == "true" else ""
        if "EndConferenceOnExit" in form:
            options["end_on_exit"] = form["EndConferenceOnExit"] == "true"
        if options:
            self.carrier.update_participant(**names, **options)
        seats = self._seats({"ConferenceSid": room}, {}, {})["participants"]
        return next((seat for seat in seats if seat["call_sid"] == leg), participant_row(room, SeatInfo(leg, "")))

    def _remove(self, path: dict[str, str], _form: dict[str, str], _query: dict[str, str]) -> None:
        info = self.carrier.room_info(path["ConferenceSid"])
        if info is None or all(seat.call_sid != path["CallSid"] for seat in info.participants):
            raise Refused(404, 20404, "The requested resource was not found")
        self.carrier.remove_participant(conference_sid=path["ConferenceSid"], call_sid=path["CallSid"])

    def _seats(self, path: dict[str, str], _form: dict[str, str], _query: dict[str, str]) -> dict[str, Any]:
        info = self._known_room(path["ConferenceSid"])
        return page_of("participants", [participant_row(info.sid, seat) for seat in info.participants])

    def _end_room(self, path: dict[str, str], _form: dict[str, str], _query: dict[str, str]) -> dict[str, Any]:
        info = self._known_room(path["Sid"])
        if info.status == "completed":
            raise Refused(400, 20001, "Conference is already completed")
        self.carrier.end_conference(info.sid)
        return conference_row(self._known_room(info.sid))

    def _room(self, path: dict[str, str], _form: dict[str, str], _query: dict[str, str]) -> dict[str, Any]:
        return conference_row(self._known_room(path["Sid"]))

    def _rooms(self, _path: dict[str, str], _form: dict[str, str], query: dict[str, str]) -> dict[str, Any]:
        info = self.carrier.room_info(query["FriendlyName"]) if "FriendlyName" in query else None
        return page_of("conferences", [] if info is None else [conference_row(info)])

    def _known_room(self, sid: str) -> RoomInfo:
        info = self.carrier.room_info(sid)
        if info is None and sid in self._room_names:
            # Twilio remembers rooms that have ended; the simulated carrier does not.
            return RoomInfo(sid, self._room_names[sid], "completed")
        if info is None:
            raise Refused(404, 20404, f"The requested resource {sid} was not found")
        self._room_names[info.sid] = info.name
        return info

    # Legs

    def _change_call(self, path: dict[str, str], form: dict[str, str], query: dict[str, str]) -> dict[str, Any]:
        before = self._call(path, form, query)
        if before["status"] not in ("queued", "ringing", "in-progress"):
            raise Refused(400, 21220, "Call is not in-progress. Cannot redirect.")
        if "Status" in form:
            self.carrier.hang_up(path["Sid"])
        elif "Url" in form:
            self.carrier.redirect(call_sid=path["Sid"], url=form["Url"])
        return self._call(path, form, query)

    def _call(self, path: dict[str, str], _form: dict[str, str], _query: dict[str, str]) -> dict[str, Any]:
        info = self.carrier.call_info(path["Sid"])
        if info is None:
            raise Refused(404, 20404, f"The requested resource {path['Sid']} was not found")
        sid = info.sid
        return {
            **dict.fromkeys(("parent_call_sid", "phone_number_sid", "price", "forwarded_from", "group_sid", "caller_name")),
            **dict.fromkeys(("trunk_sid", "duration")),
            "sid": sid,
            "account_sid": ACCOUNT,
            "date_created": OLD,
            "date_updated": OLD,
            "to": info.to,
            "to_formatted": info.to,
            "from": info.from_,
            "from_formatted": info.from_,
            # The word `initiated` is one of webhooks only.
            "status": {"initiated": "queued"}.get(info.status, info.status),
            "start_time": info.started_at and format_datetime(info.started_at),
            "end_time": info.ended_at and format_datetime(info.ended_at),
            "price_unit": "USD",
            "direction": info.direction,
            "answered_by": info.answered_by or None,
            "api_version": "2010-04-01",
            "queue_time": "0",
            "uri": f"/2010-04-01/Accounts/{ACCOUNT}/Calls/{sid}.json",
            "subresource_uris": {"recordings": f"/2010-04-01/Accounts/{ACCOUNT}/Calls/{sid}/Recordings.json"},
        }

    # Recordings

    def _record(self, path: dict[str, str], form: dict[str, str], _query: dict[str, str]) -> dict[str, Any]:
        sid = self.carrier.start_recording(call_sid=path["CallSid"], status_url=form.get("RecordingStatusCallback", ""))
        channels = 2 if form.get("RecordingChannels") == "dual" else 1
        self._recordings[sid] = {
            **dict.fromkeys(("conference_sid", "duration", "price", "encryption_details", "error_code")),
            "account_sid": ACCOUNT,
            "api_version": "2010-04-01",
            "call_sid": path["CallSid"],
            "date_created": OLD,
            "date_updated": OLD,
            "start_time": OLD,
            "sid": sid,
            "uri": f"/2010-04-01/Accounts/{ACCOUNT}/Calls/{path['CallSid']}/Recordings/{sid}.json",
            "price_unit": "USD",
            "status": "in-progress",
            "channels": channels,
            "source": "StartCallRecordingAPI",
            "track": form.get("RecordingTrack", "both"),
        }
        return self._recordings[sid]

    def _change_recording(self, path: dict[str, str], form: dict[str, str], query: dict[str, str]) -> dict[str, Any]:
        kept = self._recording(path, form, query)
        wanted, names = form["Status"], {"call_sid": path["CallSid"], "recording_sid": path["Sid"]}
        if kept["status"] == wanted or kept["status"] not in ("in-progress", "paused"):
            raise Refused(400, 21220, f"The recording is {kept['status']}")
        if wanted == "stopped":
            self.carrier.stop_recording(**names)
        else:
            self.carrier.pause_recording(**names, on=wanted == "paused")
        kept["status"] = wanted
        return kept

    def _recording(self, path: dict[str, str], _form: dict[str, str], _query: dict[str, str]) -> dict[str, Any]:
        kept = self._recordings.get(path["Sid"])
        if kept is None or kept["call_sid"] != path["CallSid"]:
            raise Refused(404, 20404, "The requested resource was not found")
        return kept

    def _delete_recording(self, path: dict[str, str], _form: dict[str, str], _query: dict[str, str]) -> None:
        self.carrier.delete_recording(path["Sid"])

    def _media(self, sid: str) -> Response:
        """The sound itself, which no definition describes: WAV of both channels."""
        self.seen.append("FetchRecordingMedia")
        if set(request.args) - {"RequestedChannels", "Download"} or request.args.get("RequestedChannels", "1") not in ("1", "2"):
            self.faults.append(f"FetchRecordingMedia: {request.query_string.decode()}")
        try:
            pieces, kind = self.carrier.fetch_recording(sid)
            sound = b"".join(pieces)
        except CarrierFailed as failed:
            raise Refused(404, 20404, str(failed)) from failed
        return Response(sound, content_type=kind)

    # The account

    def _fetch_account(self, path: dict[str, str], _form: dict[str, str], _query: dict[str, str]) -> dict[str, Any]:
        return {
            "auth_token": TOKEN,
            "date_created": OLD,
            "date_updated": OLD,
            "friendly_name": "A made-up account",
            "owner_account_sid": ACCOUNT,
            "sid": path["Sid"],
            "status": self.account.status,
            "subresource_uris": {},
            "type": self.account.type,
            "uri": f"/2010-04-01/Accounts/{ACCOUNT}.json",
        }

    def _numbers(self, _path: dict[str, str], _form: dict[str, str], query: dict[str, str]) -> dict[str, Any]:
        wanted = query.get("PhoneNumber", "")
        return page_of("incoming_phone_numbers", [one for one in self.account.numbers if wanted in one["phone_number"]])

    def _application(self, path: dict[str, str], _form: dict[str, str], _query: dict[str, str]) -> dict[str, Any]:
        if path["Sid"] not in self.account.apps:
            raise Refused(404, 20404, "The requested resource was not found")
        return self.account.apps[path["Sid"]]

    def _key(self, path: dict[str, str], _form: dict[str, str], _query: dict[str, str]) -> dict[str, Any]:
        if path["Sid"] not in self.account.keys:
            raise Refused(404, 20404, "The requested resource was not found")
        return {"sid": path["Sid"], "friendly_name": "Softphones", "date_created": OLD, "date_updated": OLD}


def client_to(port: int) -> TwilioHttpClient:
    """The SDK's way to a fake on this port, of this process or another."""
    return client_by(address_of(port), timeout_s=60)


def address_of(port: int) -> str:
    """Where such a fake is, for `TWILIO_API_URL`."""
    return f"http://127.0.0.1:{port}"


def _faults_in_words(operation: Operation, form: dict[str, str]) -> list[str]:
    """What Twilio's pages say in sentences and its definition does not."""
    faults = []
    if operation.name == "UpdateCall" and not form.keys() & {"Url", "Twiml", "Status"}:
        faults.append("an update of a call says nothing")
    if form.get("Coaching") == "true" and not form.get("CallSidToCoach"):
        faults.append("coaching needs CallSidToCoach")
    if "AmdStatusCallback" in form and "MachineDetection" not in form:
        faults.append("AmdStatusCallback means nothing without MachineDetection")
    if form.get("MachineDetection") and not form.get("AmdStatusCallback"):
        faults.append("without AmdStatusCallback nobody is told who answered (21262)")
    if form.get("To", "").startswith("+") and not form.get("From", "").startswith("+"):
        faults.append("a number is called from a number")
    return faults
