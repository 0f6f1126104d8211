"""What Twilio's API says of an account's numbers, apps, rooms and of who is in them: every field that its definition has."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from channels.voice.port import RoomInfo, SeatInfo

ACCOUNT = "AC" + "1a" * 16
APP, NUMBER_SID = "AP" + "3c" * 16, "PN" + "4d" * 16
OLD = format_datetime(datetime(2026, 1, 1, tzinfo=UTC))
PAGE = {"page": 0, "page_size": 50, "start": 0, "first_page_uri": "/", "next_page_uri": None, "previous_page_uri": None}


def number(base_url: str, e164: str, **spoilt: Any) -> dict[str, Any]:
    """A number of the account, set up as the desk needs it but for what is spoilt."""
    return {
        **dict.fromkeys(("address_sid", "identity_sid", "sms_application_sid", "trunk_sid", "voice_application_sid")),
        **dict.fromkeys(("emergency_status", "emergency_address_sid", "emergency_address_status", "bundle_sid")),
        **dict.fromkeys(("sms_fallback_url", "sms_url")),
        "account_sid": ACCOUNT,
        "address_requirements": "none",
        "api_version": "2010-04-01",
        "beta": False,
        "capabilities": {"voice": True, "sms": False, "mms": False, "fax": False},
        "date_created": OLD,
        "date_updated": OLD,
        "friendly_name": "Hotline",
        "phone_number": e164,
        "origin": "twilio",
        "sid": NUMBER_SID,
        "sms_fallback_method": "POST",
        "sms_method": "POST",
        "status": "in-use",
        "uri": f"/2010-04-01/Accounts/{ACCOUNT}/IncomingPhoneNumbers/{NUMBER_SID}.json",
        "voice_receive_mode": "voice",
        **_doors(base_url),
        **spoilt,
    }


def app(base_url: str, **spoilt: Any) -> dict[str, Any]:
    """A TwiML app of the account."""
    return {
        **dict.fromkeys(("message_status_callback", "sms_fallback_url", "sms_status_callback", "sms_url")),
        "account_sid": ACCOUNT,
        "api_version": "2010-04-01",
        "date_created": OLD,
        "date_updated": OLD,
        "friendly_name": "Desk",
        "sid": APP,
        "sms_fallback_method": "POST",
        "sms_method": "POST",
        "uri": f"/2010-04-01/Accounts/{ACCOUNT}/Applications/{APP}.json",
        "public_application_connect_enabled": False,
        **_doors(base_url),
        **spoilt,
    }


def _doors(base_url: str) -> dict[str, Any]:
    return {
        "status_callback": f"{base_url}/hooks/twilio/voice/status",
        "status_callback_method": "POST",
        "voice_caller_id_lookup": False,
        "voice_fallback_method": "POST",
        "voice_fallback_url": "https://handler.twilio.com/twiml/EH1",
        "voice_method": "POST",
        "voice_url": f"{base_url}/hooks/twilio/voice/incoming",
    }


def page_of(name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {**PAGE, name: rows, "end": max(0, len(rows) - 1), "uri": "/"}


def participant_row(room: str, seat: SeatInfo) -> dict[str, Any]:
    return {
        "account_sid": ACCOUNT,
        "call_sid": seat.call_sid,
        "label": seat.label or None,
        "call_sid_to_coach": seat.coaching or None,
        "coaching": bool(seat.coaching),
        "conference_sid": room,
        "date_created": OLD,
        "date_updated": OLD,
        "end_conference_on_exit": False,
        "muted": seat.muted,
        "hold": seat.held,
        "start_conference_on_enter": True,
        "status": seat.status,
        "queue_time": None,
        "uri": f"/2010-04-01/Accounts/{ACCOUNT}/Conferences/{room}/Participants/{seat.call_sid}.json",
    }


def conference_row(info: RoomInfo) -> dict[str, Any]:
    return {
        "account_sid": ACCOUNT,
        "date_created": OLD,
        "date_updated": OLD,
        "api_version": "2010-04-01",
        "friendly_name": info.name,
        "region": "us1",
        "sid": info.sid,
        "status": info.status,
        "uri": f"/2010-04-01/Accounts/{ACCOUNT}/Conferences/{info.sid}.json",
        "subresource_uris": {},
        "reason_conference_ended": None,
        "call_sid_ending_conference": None,
    }
