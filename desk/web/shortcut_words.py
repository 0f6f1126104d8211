"""Every key that does something on staff pages, as it comes and in words. Whoever likes another one chooses it for themselves."""

from __future__ import annotations

import re

from flask_babel import lazy_gettext

from desk.errors import Invalid
from desk.sentences import N_

# The same letter may stand for different things where they never meet: it is changed for all of them.
SHORTCUTS = {
    "?": lazy_gettext("Show the keys of this page"),
    "Mod+k": lazy_gettext("Commands: go anywhere, do anything"),
    "/": lazy_gettext("Search"),
    "j": lazy_gettext("Next"),
    "k": lazy_gettext("Previous"),
    "c": lazy_gettext("New ticket"),
    "a": lazy_gettext("Accept"),
    "d": lazy_gettext("Decline"),
    "t": lazy_gettext("Take; translate an article"),
    "s": lazy_gettext("Solve"),
    "r": lazy_gettext("Write an answer"),
    "n": lazy_gettext("Note; add something new"),
    "i": lazy_gettext("Give to me; help a colleague"),
    "v": lazy_gettext("Become available again; versions of an article"),
    "z": lazy_gettext("Snooze"),
    "l": lazy_gettext("Priority"),
    "p": lazy_gettext("Phone a number"),
    "m": lazy_gettext("Mute"),
    "h": lazy_gettext("Hold the call"),
    "b": lazy_gettext("Keypad"),
    "x": lazy_gettext("Transfer"),
    "o": lazy_gettext("Consult"),
    "w": lazy_gettext("Consult: swap the lines"),
    "y": lazy_gettext("Consult: bring everybody together"),
    "u": lazy_gettext("Ask for help"),
    "g": lazy_gettext("Pause or go on recording; look again; tags"),
    "e": lazy_gettext("End or wrap up the call; edit an article"),
    "f": lazy_gettext("Report a fault"),
    "[": lazy_gettext("Month before"),
    "]": lazy_gettext("Month after"),
    "Alt+c": lazy_gettext("Canned replies and macros"),
    "Alt+k": lazy_gettext("Knowledge beside the ticket"),
    "Alt+n": lazy_gettext("Message of a supervisor: seen"),
    "Alt+o": lazy_gettext("Open the first article"),
    "Alt+i": lazy_gettext("Insert the article"),
    "Alt+l": lazy_gettext("Link the article to the ticket"),
    "Alt+r": lazy_gettext("Remind those who handle the chosen ones"),
    "Alt+z": lazy_gettext("Take the last answer back"),
    "Mod+s": lazy_gettext("Save"),
}
_HELD = dict.fromkeys(("ctrl", "control", "cmd", "⌘", "mod"), "Mod") | {"alt": "Alt", "option": "Alt", "shift": "Shift"}
_PRESSED = re.compile(r"(?:(Mod|Alt|Shift)\+)*(\S)")
TAKEN = ("Mod+Enter", "Mod+c", "Mod+v", "Mod+x", "Mod+a", "Mod+z", "Mod+t", "Mod+w", "Mod+n", "Mod+r", "Mod+l")  # browser's own


def chosen_keys(typed: dict[str, str]) -> dict[str, str]:
    """What somebody chose, without what is as it comes. Raises `Invalid` with the fields that cannot be, or that are twice."""
    keys = {key: normal(typed.get(key, "")) or key for key in SHORTCUTS}
    fields: dict[str, str] = {}
    owner: dict[str, str] = {}
    for key, mine in keys.items():
        if mine != key and (not _PRESSED.fullmatch(mine) or mine in TAKEN):
            fields[key] = N_("This key cannot be used. One letter or sign, or Alt+ or Mod+ and a letter.")
        elif mine in owner:
            fields[key] = fields[owner[mine]] = N_("Two of them have the same key.")
        owner.setdefault(mine, key)
    if fields:
        raise Invalid("Some keys cannot be kept like this.", fields)
    return {key: mine for key, mine in keys.items() if mine != key}


def normal(typed: str) -> str:
    """“ctrl + K” as `Mod+k`; a letter alone small, as capitals are the same key."""
    *held, last = [part.strip() for part in typed.strip().replace("++", "+plus").split("+")] or [""]
    last = "+" if last == "plus" or (not last and held) else last
    held = [part for part in held if part]
    names = {
        "ctrl": "Mod",
        "control": "Mod",
        "cmd": "Mod",
        "⌘": "Mod",
        "mod": "Mod",
        "alt": "Alt",
        "option": "Alt",
        "shift": "Shift",
    }
    words = [names.get(part.lower(), part) for part in held]
    return "+".join([*words, last.lower() if len(last) == 1 else last])
