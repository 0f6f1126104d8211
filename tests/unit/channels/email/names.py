"""A name system in a dictionary, for the checks of senders."""

from __future__ import annotations

from channels.email.dns_lookup import DnsAway


class Names:
    """`{(name, kind): records}`; a name in `silent` is never answered. `asked` counts the questions."""

    def __init__(self, records, silent=()):
        self.records = {(name.lower(), kind): tuple(values) for (name, kind), values in records.items()}
        self.silent = set(silent)
        self.asked = 0

    def find(self, name, kind):
        self.asked += 1
        if name in self.silent:
            raise DnsAway(f"no answer for {name}")
        return self.records.get((name.lower(), kind), ())
