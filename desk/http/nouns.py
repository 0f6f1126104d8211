"""Words for codes that pages and the API both say."""

from __future__ import annotations

from flask_babel import lazy_gettext

CATEGORIES = {
    "billing": lazy_gettext("Billing"),
    "technical": lazy_gettext("Technical help"),
    "delivery": lazy_gettext("Delivery"),
    "product": lazy_gettext("Product"),
    "service": lazy_gettext("Service"),
    "privacy": lazy_gettext("Privacy"),
    "other": lazy_gettext("Other"),
}
PRESENCES = {
    "available": lazy_gettext("Available"),
    "away": lazy_gettext("Away"),
    "offline": lazy_gettext("Offline"),
    "not_responding": lazy_gettext("Not responding"),
}
AWAY_REASONS = {
    "break": lazy_gettext("Break"),
    "lunch": lazy_gettext("Lunch"),
    "meeting": lazy_gettext("Meeting"),
    "training": lazy_gettext("Training"),
    "other": lazy_gettext("Another reason"),
}
TIERS = {
    "vip": lazy_gettext("VIP"),
    "gold": lazy_gettext("Gold"),
    "silver": lazy_gettext("Silver"),
    "standard": lazy_gettext("Standard"),
}
SKILLS = {**CATEGORIES, "complaints": lazy_gettext("Complaints"), "support": lazy_gettext("Support level")}
LANGUAGES = {"en": lazy_gettext("English"), "zh": lazy_gettext("Chinese")}


def skill_word(name: str) -> str:
    """A skill as people call it; one of the house's own by its name."""
    if name.startswith("lang:"):
        return str(LANGUAGES.get(name[5:], name[5:]))
    return str(SKILLS.get(name, name))
