"""Files that can do harm on the machine of who opens them, told by their name and by what their bytes show."""

from __future__ import annotations

PROGRAMS = (
    "exe com scr pif msi msp bat cmd ps1 psm1 vbs vbe js jse wsf wsh hta cpl jar lnk url reg dll sys apk app dmg pkg deb rpm sh "
    "iso img vhd"
)
PAGES = "html htm xhtml shtml mht mhtml svg svgz xml xsl swf"
MACROS = "docm dotm xlsm xltm xlam pptm potm ppam ppsm xll one"
KINDS = {
    **dict.fromkeys(PROGRAMS.split(), "program"),
    **dict.fromkeys(PAGES.split(), "page"),
    **dict.fromkeys(MACROS.split(), "macros"),
}
# What the bytes of a harmless-looking name must show.
EXPECTED = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "pdf": "application/pdf",
}


def risk_of(name: str, content_type: str) -> str:
    """`program`, `page` or `macros`, `disguised` when the bytes are not what the name says, else empty."""
    ending = name.rstrip(" .").rpartition(".")[2].lower()
    if ending in KINDS:
        return KINDS[ending]
    return "disguised" if ending in EXPECTED and content_type != EXPECTED[ending] else ""
