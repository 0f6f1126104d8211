"""The carrier port over Twilio's REST API and its access tokens."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import requests
from twilio.base.exceptions import TwilioException
from twilio.http.http_client import TwilioHttpClient
from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import VoiceGrant
from twilio.rest import Client

from channels.voice.port import CallInfo, CarrierFailed, ClientToken, Finding, RoomInfo, SeatInfo
from channels.voice.twilio_check import Wanted, look_over
from channels.voice.twilio_errors import refusal

_TIMEOUT_S = 10.0
_TOKEN_S = 3600
_GONE, _TOO_MANY = 404, 429
_OVER = 21220  # the call is not in progress any more
_SHORTEST_RING_S, _LONGEST_RING_S = 5, 600
_LEG_EVENTS = ["initiated", "ringing", "answered", "completed"]
_ROOM_EVENTS = ["start", "end", "join", "leave", "mute", "hold"]
_RECORDING_EVENTS = ["in-progress", "completed", "absent"]
_ENDED_RECORDING = ("stopped", "processing", "completed", "absent")
_PIECE = 64 * 1024
_API = "https://api.twilio.com/2010-04-01"


class TwilioCarrier:
    """Calls through a Twilio account.

    `base_url` and `number` are what `check` holds the account against; `region` and `edge` say where Twilio handles the calls
    (empty: us1). `http_client` is another way out than straight to Twilio (see `twilio_way`). Construction contacts nobody.
    """

    name = "twilio"

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        api_key: str,
        api_secret: str,
        twiml_app_sid: str,
        *,
        base_url: str = "",
        number: str = "",
        region: str = "",
        edge: str = "",
        http_client: TwilioHttpClient | None = None,
    ) -> None:
        self._account_sid = account_sid
        self._auth_token = auth_token
        self._api_key = api_key
        self._api_secret = api_secret
        self._wanted = Wanted(base_url, number, api_key, twiml_app_sid)
        self._http = http_client or TwilioHttpClient(timeout=_TIMEOUT_S)
        self._place = {"region": region or None, "edge": edge or None}
        self._client = Client(account_sid, auth_token, http_client=self._http, **self._place)

    # Legs and rooms

    def add_participant(
        self,
        *,
        conference: str,
        to: str,
        from_: str,
        label: str,
        status_url: str,
        ring_timeout_s: int = 30,
        end_conference_on_exit: bool = False,
        muted: bool = False,
        coach: str = "",
        start_on_enter: bool = True,
        machine_detection: bool = False,
        amd_url: str = "",
        time_limit_s: int = 0,
        room_url: str = "",
    ) -> str:
        options: dict[str, Any] = {}
        if muted:
            options["muted"] = True
        if coach:
            options |= {"coaching": True, "call_sid_to_coach": coach}
        if machine_detection:
            options["machine_detection"] = "Enable"
            if amd_url:
                options |= {"amd_status_callback": amd_url, "amd_status_callback_method": "POST"}
        if time_limit_s:
            options["time_limit"] = time_limit_s
        if room_url:
            options |= {
                "conference_status_callback": room_url,
                "conference_status_callback_method": "POST",
                "conference_status_callback_event": _ROOM_EVENTS,
            }
        client = to.startswith("client:")
        with _carrier_errors():
            participant = self._client.conferences(conference).participants.create(
                to=_allowed(to) if client else to,
                from_=from_,
                label=label,
                status_callback=status_url,
                status_callback_method="POST",
                status_callback_event=_LEG_EVENTS,
                timeout=min(max(ring_timeout_s, _SHORTEST_RING_S), _LONGEST_RING_S),
                start_conference_on_enter=start_on_enter,
                end_conference_on_exit=end_conference_on_exit,
                # A caller who waits is not to hear an agent's phone ring; an agent who dials out is to hear the other's.
                early_media=not client,
                beep="false",
                **options,
            )
        return str(participant.call_sid)

    def update_participant(
        self,
        *,
        conference_sid: str,
        call_sid: str,
        muted: bool | None = None,
        coach: str | None = None,
        end_on_exit: bool | None = None,
    ) -> None:
        options: dict[str, Any] = {}
        if muted is not None:
            options["muted"] = muted
        if coach is not None:
            options |= {"coaching": True, "call_sid_to_coach": coach} if coach else {"coaching": False}
        if end_on_exit is not None:
            options["end_conference_on_exit"] = end_on_exit
        if not options:
            return
        with _carrier_errors():
            self._client.conferences(conference_sid).participants(call_sid).update(**options)

    def remove_participant(self, *, conference_sid: str, call_sid: str) -> None:
        with _carrier_errors(fine=(_GONE,)):
            self._client.conferences(conference_sid).participants(call_sid).delete()

    def hold(self, *, conference_sid: str, call_sid: str, on: bool, hold_url: str) -> None:
        with _carrier_errors():
            participant = self._client.conferences(conference_sid).participants(call_sid)
            if on:
                participant.update(hold=True, hold_url=hold_url, hold_method="POST")
            else:
                participant.update(hold=False)

    def mute(self, *, conference_sid: str, call_sid: str, on: bool) -> None:
        self.update_participant(conference_sid=conference_sid, call_sid=call_sid, muted=on)

    def announce(self, *, conference_sid: str, call_sid: str, url: str) -> None:
        with _carrier_errors():
            self._client.conferences(conference_sid).participants(call_sid).update(announce_url=url, announce_method="POST")

    def send_keys(self, *, conference_sid: str, call_sid: str, digits: str, play_url: str) -> None:
        """Twilio has no verb for keys in a room; an announcement that plays their tones to the leg is its own advice."""
        if not conference_sid:
            raise CarrierFailed("Keys can be sent only while the call is connected.", retryable=False)
        self.announce(conference_sid=conference_sid, call_sid=call_sid, url=play_url)

    def redirect(self, *, call_sid: str, url: str) -> None:
        with _carrier_errors():
            self._client.calls(call_sid).update(url=url, method="POST")

    def hang_up(self, call_sid: str) -> None:
        with _carrier_errors(fine=(_GONE, _OVER)):
            self._client.calls(call_sid).update(status="completed")

    def end_conference(self, conference_sid: str) -> None:
        room = self._client.conferences(conference_sid)
        _change(lambda: room.update(status="completed"), lambda: room.fetch().status == "completed", gone_is_fine=True)

    # Recordings

    def start_recording(self, *, call_sid: str, status_url: str) -> str:
        with _carrier_errors():
            recording = self._client.calls(call_sid).recordings.create(
                recording_channels="dual",
                recording_track="both",
                # The length has to be that of the call, or pauses and times in it would mean nothing.
                trim="do-not-trim",
                recording_status_callback=status_url,
                recording_status_callback_method="POST",
                recording_status_callback_event=_RECORDING_EVENTS,
            )
        return str(recording.sid)

    def pause_recording(self, *, call_sid: str, recording_sid: str, on: bool) -> None:
        recording = self._client.calls(call_sid).recordings(recording_sid)
        wanted = "paused" if on else "in-progress"
        options = {"pause_behavior": "silence"} if on else {}
        _change(lambda: recording.update(status=wanted, **options), lambda: recording.fetch().status == wanted)

    def stop_recording(self, *, call_sid: str, recording_sid: str) -> None:
        recording = self._client.calls(call_sid).recordings(recording_sid)
        _change(
            lambda: recording.update(status="stopped"), lambda: recording.fetch().status in _ENDED_RECORDING, gone_is_fine=True
        )

    def fetch_recording(self, recording_sid: str) -> tuple[Iterator[bytes], str]:
        """As WAV, which shows by itself how long it is; both channels, as they were recorded."""
        address = self._client.get_hostname(f"{_API}/Accounts/{self._account_sid}/Recordings/{recording_sid}.wav")
        with _carrier_errors():
            answer = self._session().get(
                address,
                params={"RequestedChannels": 2},
                auth=(self._account_sid, self._auth_token),
                timeout=_TIMEOUT_S,
                stream=True,
            )
            if not answer.ok:
                answer.close()
                later = answer.status_code in (_GONE, _TOO_MANY) or answer.status_code >= 500
                raise CarrierFailed(f"Twilio answered {answer.status_code} for a recording.", retryable=later)
        return _pieces(answer), answer.headers.get("Content-Type", "").partition(";")[0]

    def delete_recording(self, recording_sid: str) -> None:
        with _carrier_errors(fine=(_GONE,)):
            self._client.recordings(recording_sid).delete()

    # Asking how things are

    def call_state(self, call_sid: str) -> str | None:
        info = self.call_info(call_sid)
        return None if info is None else info.status

    def call_info(self, call_sid: str) -> CallInfo | None:
        with _carrier_errors(fine=(_GONE,)):
            call = self._client.calls(call_sid).fetch()
            return CallInfo(
                sid=call_sid,
                status=str(call.status),
                direction=call.direction or "",
                from_=call._from or "",  # noqa: SLF001 - public, but `from` is a keyword
                to=call.to or "",
                started_at=call.start_time,
                ended_at=call.end_time,
                answered_by=call.answered_by or "",
            )
        return None

    def room_info(self, conference: str) -> RoomInfo | None:
        with _carrier_errors(fine=(_GONE,)):
            room = self._room(conference)
            if room is None:
                return None
            seats: tuple[SeatInfo, ...] = ()
            if room.status != "completed":  # of a room that has ended Twilio lists nobody
                seats = tuple(_seat(one) for one in self._client.conferences(room.sid).participants.list(limit=50))
            return RoomInfo(sid=room.sid, name=room.friendly_name, status=str(room.status), participants=seats)
        return None

    def check(self) -> list[Finding]:
        with_key = Client(self._api_key, self._api_secret, self._account_sid, http_client=self._http, **self._place)
        return look_over(self._client, with_key, self._wanted)

    def client_token(self, identity: str) -> ClientToken:
        token = AccessToken(
            self._account_sid,
            self._api_key,
            self._api_secret,
            identity=_allowed(identity),
            ttl=_TOKEN_S,
            region=self._place["region"],
        )
        token.add_grant(VoiceGrant(incoming_allow=True, outgoing_application_sid=self._wanted.twiml_app_sid or None))
        return ClientToken("twilio", token.to_jwt(), identity, _TOKEN_S, edge=self._place["edge"] or "")

    def _room(self, conference: str) -> Any:
        """By SID, or the newest of our name; Twilio lists the newest first."""
        if re.fullmatch(r"CF[0-9a-f]{32}", conference):
            return self._client.conferences(conference).fetch()
        found = self._client.conferences.list(friendly_name=conference, limit=1)
        return found[0] if found else None

    def _session(self) -> requests.Session:
        return self._http.session or requests.Session()


def _seat(participant: Any) -> SeatInfo:
    return SeatInfo(
        call_sid=participant.call_sid,
        label=participant.label or "",
        muted=bool(participant.muted),
        held=bool(participant.hold),
        coaching=(participant.call_sid_to_coach or "") if participant.coaching else "",
        status=str(participant.status),
    )


def _pieces(answer: requests.Response) -> Iterator[bytes]:
    with answer, _carrier_errors():
        yield from answer.iter_content(_PIECE)


def _allowed(client: str) -> str:
    """A client's name as Twilio allows it: letters, digits and underscores. Token and dialling must agree on it."""
    return re.sub(r"[^A-Za-z0-9_:]", "_", client)


def _change(act: Callable[[], object], is_so: Callable[[], bool], *, gone_is_fine: bool = False) -> None:
    """Do it; a refusal because it is so already is none. Which number Twilio gives such a refusal is not documented: we look."""
    with _carrier_errors(fine=(_GONE,) if gone_is_fine else ()):
        try:
            act()
        except TwilioException as error:
            refused = refusal(error)
            if refused is None or _worth_another(refused.status) or refused.status == _GONE or not is_so():
                raise


def _worth_another(status: int) -> bool:
    """Too many requests and errors of their side are worth another attempt."""
    return status == _TOO_MANY or status >= 500


@contextmanager
def _carrier_errors(*, fine: tuple[int, ...] = ()) -> Iterator[None]:
    """Turn what the SDK raises into `CarrierFailed`; `fine` are the HTTP statuses and error numbers that are no failure here."""
    try:
        yield
    except TwilioException as error:
        refused = refusal(error)
        if refused is None:
            raise CarrierFailed(f"Twilio could not be used: {error}", retryable=False) from error
        if refused.status in fine or refused.code in fine:
            return
        said = f"Twilio answered {refused.status}: {refused.said}"
        raise CarrierFailed(said, retryable=_worth_another(refused.status), code=refused.code) from error
    except requests.RequestException as error:
        raise CarrierFailed("Twilio could not be reached.", retryable=True) from error
