"""HTTP as the real carrier speaks it: connections that stay open, no redirects, no proxies, an end to every wait."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from urllib.parse import urlencode, urlsplit

# The carrier gives an application this long to answer, and reads at most this much of the answer.
TIMEOUT_S = 15.0
_MAX_BODY = 64 * 1024
_MOST_AUDIO = 20 * 1024 * 1024

Form = Mapping[str, str]


@dataclass(frozen=True)
class Reply:
    """What came back. `status` is 0 when nobody answered; `body` then says why."""

    status: int
    body: str
    content_type: str = "text/xml"

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


def post_form(url: str, form: Form, headers: Mapping[str, str], *, timeout_s: float = TIMEOUT_S) -> Reply:
    """POST `form` as x-www-form-urlencoded. Raises OSError when nobody answers."""
    status, kind, body = _exchange("POST", url, urlencode(form).encode(), headers, _MAX_BODY + 1, timeout_s)
    return Reply(status, body.decode("utf-8", "replace"), kind)


def get_file(url: str, headers: Mapping[str, str]) -> tuple[str, bytes]:
    """GET a file of at most 20 MB: its content type and content. Raises OSError when there is none."""
    status, kind, body = _exchange("GET", url, None, headers, _MOST_AUDIO)
    if status != 200:
        raise OSError(f"{url} answers {status}.")
    return kind, body


def _exchange(
    method: str, url: str, body: bytes | None, headers: Mapping[str, str], most: int, timeout_s: float = TIMEOUT_S
) -> tuple[int, str, bytes]:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise OSError(f"{url} is not a web address.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    where = parts.scheme, parts.netloc
    line = _lines.open.pop(where, None)
    if line is not None:
        try:
            return _ask(where, line, method, path, body, headers, most)
        except TimeoutError:
            line.close()
            raise
        except (OSError, http.client.HTTPException):
            line.close()  # it was closed at the other end while nothing was said
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    line = kind(parts.netloc, timeout=timeout_s)
    try:
        return _ask(where, line, method, path, body, headers, most)
    except http.client.HTTPException as error:
        line.close()
        raise OSError(f"{url} does not answer in HTTP: {error!r}") from error
    except OSError:
        line.close()
        raise


def _ask(
    where: tuple[str, str],
    line: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes | None,
    headers: Mapping[str, str],
    most: int,
) -> tuple[int, str, bytes]:
    line.request(method, path, body=body, headers=dict(headers))
    answer = line.getresponse()
    content = answer.read(most)
    if answer.will_close or answer.read(1):
        line.close()  # it is not kept, or has more to say than anybody wants to hear
    else:
        _lines.open[where] = line
    kind = answer.headers.get_content_type() if isinstance(answer.headers, Message) else ""
    return answer.status, kind, content


class _Open(dict[tuple[str, str], http.client.HTTPConnection]):
    """Connections that are open and not in use, by scheme and host; they end with their thread."""

    def __del__(self) -> None:
        for line in self.values():
            line.close()


class _Lines(threading.local):
    """Those of one thread."""

    def __init__(self) -> None:
        self.open = _Open()


_lines = _Lines()
