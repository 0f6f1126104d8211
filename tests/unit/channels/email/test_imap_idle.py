"""Waiting for mail by IMAP: what the server tells at any moment since the last search is heard, as it tells of each mail once."""

from __future__ import annotations

import os
import socket
import threading

import pytest

from channels.email.imap import Access, Mailbox

NEWS = b"* 4 EXISTS\r\n"
AT = {"with the answer to the search": "search", "before it says that it waits": "before", "in the same breath": "after"}


class Server:
    """Says what a server says, and at one moment that there is a fourth mail."""

    def __init__(self, moment):
        self._moment = moment
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = self._door.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self):
        line, _ = self._door.accept()
        with line, line.makefile("rb") as asked:
            line.sendall(b"* OK ready\r\n")
            for command in asked:
                tag, *words = command.split()
                line.sendall(self._answer(tag, b" ".join(words)))

    def _answer(self, tag, words):
        news = {moment: NEWS if self._moment == moment else b"" for moment in AT.values()}
        if words == b"IDLE":
            return news["before"] + b"+ idling\r\n" + news["after"]
        if tag == b"DONE":
            return b"IDLE1 OK done\r\n"
        if words.startswith(b"CAPABILITY"):
            return b"* CAPABILITY IMAP4rev1 IDLE\r\n" + tag + b" OK done\r\n"
        found = b"* SEARCH\r\n" + news["search"] if b"SEARCH" in words else b""
        return found + tag + b" OK done\r\n"

    def end(self):
        self._door.close()
        self._thread.join(60)


@pytest.mark.parametrize("moment", AT.values(), ids=AT)
def test_what_comes_after_the_search_is_not_waited_for(moment):
    server = Server(moment)
    hear, ring = os.pipe()
    mailbox = Mailbox(Access("127.0.0.1", server.port, "none", "li", "password", "secret"))
    mailbox.open()
    assert mailbox.new_uids(3) == []
    assert mailbox.idle(hear, 3600) is True
    mailbox.close()
    server.end()
    os.close(hear)
    os.close(ring)
