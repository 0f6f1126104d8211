"""Only what the carrier signed is believed."""

from __future__ import annotations

import pytest
from twilio.request_validator import RequestValidator
from werkzeug.datastructures import MultiDict

from channels.voice.signature import check, public_url

URL = "https://desk.example/hooks/twilio/voice/menu?step=2"
PARAMS = {"CallSid": "CA1", "Digits": "", "From": "+86 李"}


def sign(token="secret", url=URL, params=PARAMS):
    return RequestValidator(token).compute_signature(url, params)


def test_a_request_signed_with_our_token_is_believed():
    assert check("secret", URL, PARAMS, sign())
    assert check("secret", URL, MultiDict(PARAMS), sign())


def test_a_value_that_came_twice_is_part_of_the_signature():
    params = MultiDict([("CallSid", "CA1"), ("StatusCallbackEvent", "start"), ("StatusCallbackEvent", "end")])

    assert check("secret", URL, params, sign(params=params))
    assert not check("secret", URL, MultiDict(params.items()), sign(params=params))


@pytest.mark.parametrize(
    ("token", "url", "params", "signature"),
    [
        ("other", URL, PARAMS, sign()),
        ("secret", URL + "0", PARAMS, sign()),
        ("secret", URL.replace("https", "http"), PARAMS, sign()),
        ("secret", URL.replace("desk.example", "evil.example"), PARAMS, sign()),
        ("secret", URL, PARAMS | {"Digits": "1"}, sign()),
        ("secret", URL, PARAMS | {"More": "x"}, sign()),
        ("secret", URL, PARAMS, ""),
        ("secret", URL, PARAMS, None),
        ("secret", URL, PARAMS, "é"),
        ("", URL, PARAMS, sign(token="")),
    ],
)
def test_a_request_that_anything_was_changed_in_is_not_believed(token, url, params, signature):
    assert check(token, url, params, signature) is False


def test_the_public_url_is_the_base_with_the_path_and_the_query_as_received():
    assert public_url("https://desk.example", "/hooks/x") == "https://desk.example/hooks/x"
    assert public_url("https://desk.example/", "/hooks/x", "a=%20b") == "https://desk.example/hooks/x?a=%20b"
