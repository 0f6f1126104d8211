"""Knowing who it is: one customer for each phone number, address and chat identity, without doubles."""

from __future__ import annotations

from collections.abc import Sequence

import phonenumbers
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from desk.addresses import is_address
from desk.errors import Invalid, NotFound
from desk.models import ContactPoint, Customer
from desk.models.customer import TIERS
from desk.store import Tx

KINDS = ("phone", "email", "chat", "post")


def identify(tx: Tx, kind: str, value: str, *, name: str = "", locale: str = "", verified: bool = False) -> Customer:
    """The customer with this contact point, made now if nobody has it yet.

    `value` may be as typed; raises `Invalid` when it is no phone number or address. Two intakes that see the same new contact
    at the same time end with one customer: the contact point is unique, and who comes second uses the first's.
    """
    value = normal(kind, value)
    customer = _holder(tx, kind, value)
    if customer is None:
        try:
            with tx.session.begin_nested():
                customer = _add(tx, kind, value, name, locale, verified)
        except IntegrityError:
            customer = _holder(tx, kind, value)
            if customer is None:
                raise
        else:
            tx.emit("customer.added", customer=customer, data={"kind": kind})
    _learn(tx, customer, kind, value, name, locale)
    return customer


def identify_all(tx: Tx, people: Sequence[tuple[str, str, str]]) -> dict[str, Customer]:
    """The customers with these addresses, given as (address, name, locale) in normal form; asked for and made all at once."""
    query = select(ContactPoint.value, Customer).join(Customer, Customer.id == ContactPoint.customer_id)
    wanted = {address for address, _, _ in people}
    found = dict(map(tuple, tx.session.execute(query.where(ContactPoint.kind == "email", ContactPoint.value.in_(wanted)))))
    new = {address: (name, locale) for address, name, locale in reversed(people) if address not in found}
    with tx.ahead({Customer: len(new), ContactPoint: len(new)}):
        for address, (name, locale) in new.items():
            found[address] = _add(tx, "email", address, name, locale, verified=False)
            tx.emit("customer.added", customer=found[address], data={"kind": "email"})
    for address, name, locale in people:
        _learn(tx, found[address], "email", address, name, locale)
    return found


def found_by(tx: Tx, said: str) -> Customer:
    """The customer with exactly this phone number, address, or number of their record. Raises `NotFound`."""
    said = said.strip()
    if said.startswith("#") and said[1:].isdecimal() and len(said) < 12:
        found = tx.session.get(Customer, int(said[1:]))
    else:
        kind = "email" if "@" in said else "phone"
        found = _holder(tx, kind, normal(kind, said))
    if found is None or found.erased_at is not None:
        raise NotFound("There is no such customer.")
    return found


def add_contact_point(tx: Tx, customer: Customer, kind: str, value: str, *, verified: bool = False) -> bool:
    """Note another way to reach the customer. Returns False when it already is someone's: never takes it away."""
    value = normal(kind, value)
    if _holder(tx, kind, value) is not None:
        return False
    tx.session.add(ContactPoint(customer_id=customer.id, kind=kind, value=value, verified=verified, created_at=tx.now))
    tx.emit("customer.contact_added", customer=customer, data={"kind": kind})
    return True


def set_tier(tx: Tx, customer: Customer, tier: str) -> None:
    """Change the value class; what is already waiting keeps its place."""
    if tier not in TIERS:
        raise Invalid("“%(tier)s” is no customer tier.", tier=tier)
    if tier != customer.tier:
        tx.emit("customer.tier_set", customer=customer, data={"old": customer.tier, "new": tier})
        customer.tier = tier


def normal(kind: str, value: str, *, region: str = "CN") -> str:
    """The one form in which a contact point is kept: E.164 for phones, lower case for mail. Raises `Invalid`."""
    value = value.strip()
    if kind == "phone":
        return _phone(value, region)
    if kind == "email":
        if not is_address(value):
            raise Invalid("“%(value)s” is no e-mail address. It should look like name@example.com.", value=value)
        return value.lower()
    if kind == "chat" and value:
        return value
    if kind == "post" and value:
        return " ".join(value.split())
    raise Invalid("A customer is known by phone, e-mail, chat or a postal address.")


def _phone(value: str, region: str) -> str:
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        raise Invalid("“%(value)s” is no phone number. Write it with its country code, such as +86 138 0013 8000.", value=value)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def address_of(tx: Tx, customer: Customer, kind: str) -> str:
    """The customer's first contact point of this kind, or an empty string."""
    query = select(ContactPoint.value).where(ContactPoint.customer_id == customer.id, ContactPoint.kind == kind)
    return tx.session.scalar(query.order_by(ContactPoint.id).limit(1)) or ""


def _holder(tx: Tx, kind: str, value: str) -> Customer | None:
    query = select(Customer).join(ContactPoint, ContactPoint.customer_id == Customer.id)
    return tx.session.scalar(query.where(ContactPoint.kind == kind, ContactPoint.value == value))


def _add(tx: Tx, kind: str, value: str, name: str, locale: str, verified: bool) -> Customer:
    customer = Customer(name=(name.strip() or _placeholder(kind, value))[:200], locale=locale, created_at=tx.now)
    tx.session.add(customer)
    tx.session.flush()
    tx.session.add(ContactPoint(customer_id=customer.id, kind=kind, value=value, verified=verified, created_at=tx.now))
    tx.session.flush()
    return customer


def _learn(tx: Tx, customer: Customer, kind: str, value: str, name: str, locale: str) -> None:
    """A name or language that we did not know yet."""
    if name.strip() and customer.name == _placeholder(kind, value):
        customer.name = name.strip()[:200]
        tx.emit("customer.named", customer=customer)
    if locale and not customer.locale:
        customer.locale = locale


def _placeholder(kind: str, value: str) -> str:
    """What an unknown contact is called until they say their name."""
    return "Visitor" if kind == "chat" else value
