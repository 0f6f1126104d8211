"""One customer for each number and address, whoever asks and however it is written."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from desk.actions.people import customers
from desk.errors import Invalid
from desk.models import ContactPoint, Customer
from tests.desk.racers import race


@pytest.mark.parametrize(
    ("kind", "typed", "kept"),
    [
        ("phone", "+86 138 0013 8000", "+8613800138000"),
        ("phone", "138 0013 8000", "+8613800138000"),
        ("phone", "0086-13800138000", "+8613800138000"),
        ("phone", "+44 20 7946 0018", "+442079460018"),
        ("phone", "(021) 5550 1234", "+862155501234"),
        ("email", "  Li.Na@Customers.Example ", "li.na@customers.example"),
        ("chat", "visitor-1", "visitor-1"),
    ],
)
def test_a_contact_has_one_form_however_it_is_typed(kind, typed, kept):
    assert customers.normal(kind, typed) == kept


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        *(("phone", each) for each in ("", "abc", "12", "anonymous", "+1")),
        *(
            ("email", each)
            for each in (
                "",
                "li",
                "li@",
                "@x.example",
                "a b@x.example",
                "a@x",
                "a@x.example, b@x.example",
                "a" * 250 + "@x.example",
            )
        ),
        ("chat", ""),
        ("pigeon", "x"),
    ],
)
def test_what_is_no_contact_is_refused(kind, typed):
    with pytest.raises(Invalid):
        customers.normal(kind, typed)


def test_the_same_contact_is_the_same_customer(house):
    with house.tx() as tx:
        first = customers.identify(tx, "phone", "13800138000")
        again = customers.identify(tx, "phone", "+86 138 0013 8000", name="Li Na", locale="zh")
        assert first.id == again.id
    kept = house.one(select(Customer))
    assert (kept.name, kept.locale) == ("Li Na", "zh")
    assert house.kinds("customer.") == ["customer.added", "customer.named"]


def test_a_known_name_and_language_are_not_overwritten(house):
    with house.tx() as tx:
        customers.identify(tx, "email", "li@customers.example", name="Li Na", locale="zh")
        customers.identify(tx, "email", "li@customers.example", name="Somebody Else", locale="en")
    assert (house.one(select(Customer.name)), house.one(select(Customer.locale))) == ("Li Na", "zh")


def test_a_contact_is_never_taken_away_from_its_customer(house):
    with house.tx() as tx:
        first = customers.identify(tx, "email", "li@customers.example")
        second = customers.identify(tx, "email", "wang@customers.example")
        assert customers.add_contact_point(tx, second, "phone", "13800138000")
        assert not customers.add_contact_point(tx, second, "email", "LI@customers.example")
        assert customers.address_of(tx, first, "email") == "li@customers.example"
    assert len(house.all(select(ContactPoint))) == 3


def test_a_tier_is_one_of_four_and_its_change_is_on_record(house):
    with house.tx() as tx:
        customer = customers.identify(tx, "email", "li@customers.example")
        customers.set_tier(tx, customer, "vip")
        customers.set_tier(tx, customer, "vip")
    assert house.kinds("customer.tier") == ["customer.tier_set"]
    with pytest.raises(Invalid), house.tx() as tx:
        customers.set_tier(tx, tx.session.get_one(Customer, customer.id), "emperor")


def test_two_intakes_that_meet_a_new_customer_at_once_end_with_one(house, tmp_path):
    rounds = [[f"new{number}@customers.example"] * 3 for number in range(25)]
    outcomes = race(house, tmp_path, [identify] * 3, rounds)
    assert [len(set(turn)) for turn in outcomes] == [1] * 25
    assert len(house.all(select(Customer))) == len(house.all(select(ContactPoint))) == 25
    assert len(house.kinds("customer.added")) == 25


def identify(tx, address):
    return customers.identify(tx, "email", address, name="New").id
