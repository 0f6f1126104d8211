"""What Twilio documents that it posts: for each kind of webhook the parameters that always come, and those that may come too."""

from __future__ import annotations

from dataclasses import dataclass, field

ROOM, RECORDING = "CF" + "6" * 32, "RE" + "7" * 32
ACCOUNT = "AC" + "1a" * 16
MP3 = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Recordings/{RECORDING}"


@dataclass(frozen=True)
class Kind:
    """One kind of webhook; `may` holds what comes only sometimes. `{sid}` stands for the SID of the call."""

    always: dict[str, str]
    may: dict[str, str] = field(default_factory=dict)

    def form(self, sid: str, *, all_of_it: bool) -> dict[str, str]:
        fields = {**self.always, **(self.may if all_of_it else {})}
        return {name: value.replace("{sid}", sid) for name, value in fields.items()}


# twilio.com/docs/voice/twiml: “Twilio's request to your application”.
REQUEST = {
    "CallSid": "{sid}",
    "AccountSid": ACCOUNT,
    "From": "+8613800138000",
    "To": "+862155501234",
    "CallStatus": "in-progress",
    "ApiVersion": "2010-04-01",
    "Direction": "inbound",
}
PLACES = {
    **{f"From{part}": "" for part in ("City", "State", "Zip")},
    **{f"To{part}": "上海" for part in ("City", "State", "Zip")},
    **{f"Caller{part}": "" for part in ("City", "State", "Zip")},
    **{f"Called{part}": "SHANGHAI" for part in ("City", "State", "Zip")},
    **{f"{who}Country": "CN" for who in ("From", "To", "Caller", "Called")},
    "Caller": "+8613800138000",
    "Called": "+862155501234",
    "ForwardedFrom": "+862155509999",
    "CallerName": "王 娜",
    "ParentCallSid": "CA" + "9" * 32,
    "CallToken": "%7B%22parentCallInfoToken%22%3A%22eyJ%22%7D",
    "StirVerstat": "TN-Validation-Passed-A",
}

INCOMING = Kind({**REQUEST, "CallStatus": "ringing"}, PLACES)
DOCUMENT = Kind(REQUEST, PLACES)
KEYS = Kind({**REQUEST, "Digits": "1"}, {**PLACES, "FinishedOnKey": "#", "msg": "Gather End"})
WORDS = Kind({**REQUEST, "SpeechResult": "billing please", "Confidence": "0.9123"}, {**PLACES, "Language": "en-US"})
SILENCE = Kind({**REQUEST, "Digits": ""}, PLACES)
# /docs/voice/twiml/conference: what a room's own documents are asked with.
ROOM_DOCUMENT = Kind(
    REQUEST, {**PLACES, "ConferenceSid": ROOM, "FriendlyName": "call-7", "Muted": "false", "Hold": "true", "Coaching": "false"}
)
# /docs/voice/twiml/dial: action.
DIAL_ACTION = Kind(
    {**REQUEST, "DialCallStatus": "answered"},
    {**PLACES, "DialCallSid": "CA" + "8" * 32, "DialCallDuration": "12", "DialBridged": "true", "ConferenceSid": ROOM},
)
# /docs/voice/api/call-resource: statusCallback.
STATUS = Kind(
    {**REQUEST, "CallStatus": "completed", "CallbackSource": "call-progress-events"},
    {
        **PLACES,
        "CallDuration": "37",
        "Duration": "1",
        "SequenceNumber": "3",
        "Timestamp": "Fri, 20 Nov 2026 02:00:00 +0000",
        "SipResponseCode": "200",
        "RecordingUrl": MP3,
        "RecordingSid": RECORDING,
        "RecordingDuration": "30",
        "AnsweredBy": "human",
    },
)
# /docs/voice/twiml/conference: statusCallback.
ROOM_EVENT = Kind(
    {
        "ConferenceSid": ROOM,
        "FriendlyName": "call-7",
        "AccountSid": ACCOUNT,
        "SequenceNumber": "2",
        "Timestamp": "Fri, 20 Nov 2026 02:00:00 +0000",
        "StatusCallbackEvent": "participant-join",
    },
    {
        "CallSid": "{sid}",
        "ParticipantLabel": "customer",
        "ParticipantCallStatus": "in-progress",
        "Muted": "false",
        "Hold": "false",
        "Coaching": "false",
        "CallSidToCoach": "",
        "StartConferenceOnEnter": "true",
        "EndConferenceOnExit": "true",
        "ReasonParticipantLeft": "participant_hung_up",
        "AnnounceUrl": "https://desk.example/hooks/twilio/voice/notice?call=1",
        "ReasonAnnouncementFailed": "",
    },
)
ROOM_END = Kind(
    {**ROOM_EVENT.always, "StatusCallbackEvent": "conference-end"},
    {
        "CallSidEndingConference": "{sid}",
        "ParticipantLabelEndingConference": "customer",
        "ReasonConferenceEnded": "participant-with-end-conference-on-exit-left",
        "Reason": "Participant left",
    },
)
# /docs/voice/api/recording: recordingStatusCallback.
RECORDED = Kind(
    {"AccountSid": ACCOUNT, "CallSid": "{sid}", "RecordingSid": RECORDING, "RecordingUrl": MP3, "RecordingStatus": "completed"},
    {
        "RecordingDuration": "31",
        "RecordingChannels": "2",
        "RecordingStartTime": "Fri, 20 Nov 2026 02:00:00 +0000",
        "RecordingSource": "StartCallRecordingAPI",
        "RecordingTrack": "both",
        "ErrorCode": "0",
    },
)
# /docs/voice/twiml/record: action and transcribeCallback.
RECORD_ACTION = Kind(
    {**REQUEST, "RecordingUrl": MP3, "RecordingDuration": "9", "Digits": "hangup"}, {**PLACES, "RecordingSid": RECORDING}
)
TRANSCRIBED = Kind(
    {
        **REQUEST,
        "TranscriptionSid": "TR" + "5" * 32,
        "TranscriptionText": "Please ring me back. 谢谢",
        "TranscriptionStatus": "completed",
        "TranscriptionUrl": f"{MP3}/Transcriptions",
        "RecordingSid": RECORDING,
        "RecordingUrl": MP3,
    },
    {"TranscriptionType": "fast", "LanguageCode": "en-US"},
)
# /docs/voice/answering-machine-detection: amdStatusCallback.
DETECTED = Kind(
    {"CallSid": "{sid}", "AccountSid": ACCOUNT, "AnsweredBy": "machine_start", "MachineDetectionDuration": "4100"}, {}
)

HOOKS = "/hooks/twilio/voice"
# Each of our routes with every kind of webhook that Twilio sends there.
KINDS = {
    "/incoming": [INCOMING],
    "/menu": [KEYS, WORDS, SILENCE],
    "/wait": [ROOM_DOCUMENT, DOCUMENT],
    "/leave": [DIAL_ACTION],
    "/outside": [STATUS],
    "/choice": [KEYS, SILENCE],
    "/back": [KEYS, DOCUMENT],
    "/callback": [DOCUMENT],
    "/callback/answer": [KEYS, WORDS, SILENCE],
    "/voicemail": [DOCUMENT],
    "/recorded": [RECORD_ACTION, DOCUMENT],
    "/recorded-status": [RECORDED],
    "/transcribed": [TRANSCRIBED],
    "/survey": [DOCUMENT],
    "/survey/answer": [KEYS, SILENCE],
    "/hold": [ROOM_DOCUMENT],
    "/notice": [ROOM_DOCUMENT],
    "/keys": [ROOM_DOCUMENT],
    "/conference": [ROOM_EVENT, ROOM_END],
    "/status": [STATUS],
    "/recording": [RECORDED],
    "/amd": [DETECTED],
}
IN_ROOMS = ("/wait", "/hold", "/keys", "/notice")


def posted_names(path: str) -> set[str]:
    """Every parameter that may come to a path of ours."""
    return {name for kind in KINDS[path] for name in (*kind.always, *kind.may)}
