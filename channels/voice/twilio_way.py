"""A way to Twilio's REST API that is not its own address: the house's only way out, or what stands for Twilio."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from twilio.http.http_client import TwilioHttpClient


def client_by(api_url: str, timeout_s: float = 30.0) -> TwilioHttpClient:
    """What the SDK is given: each request goes to `api_url` (https://HOST/PATH) and its path at Twilio, and nothing elsewhere."""
    client = TwilioHttpClient(timeout=timeout_s)
    assert client.session is not None
    for scheme in ("https://", "http://"):
        client.session.mount(scheme, _Instead(api_url))
    return client


class _Instead(HTTPAdapter):
    """Sends there what was meant for Twilio."""

    def __init__(self, api_url: str) -> None:
        super().__init__()
        self._api_url = api_url.rstrip("/")

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        meant = urlsplit(request.url or "")
        request.url = f"{self._api_url}{meant._replace(scheme='', netloc='').geturl()}"
        return super().send(request, *args, **options)
