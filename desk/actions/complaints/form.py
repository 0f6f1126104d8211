"""What a complaint form has to say before it can be taken."""

from __future__ import annotations

from channels.form import MAX_LINE, MAX_TEXT, ComplaintForm
from desk.actions.complaints.representatives import missing_in
from desk.actions.people import customers
from desk.errors import Invalid
from desk.models import Customer, Ticket
from desk.models.ticket import CATEGORIES
from desk.sentences import N_
from desk.store import Tx


def check_form(form: ComplaintForm) -> None:
    """Raises `Invalid` with a sentence for each field that has to be changed."""
    fields = {}
    if not form.statement:
        fields["statement"] = N_("Please tell us what happened.")
    elif len(form.statement) > MAX_TEXT:
        fields["statement"] = N_("This text is too long; please attach it as a file.")
    if len(form.remedy_wanted) > MAX_TEXT:
        fields["remedy_wanted"] = N_("This text is too long; please attach it as a file.")
    if not form.anonymous and not form.email and not form.phone:
        fields["email"] = N_("We need an e-mail address or a phone number to answer you.")
    fields |= _wrong_contacts(form)
    for name in ("name", "product", "order_number"):
        if len(getattr(form, name)) > MAX_LINE:
            fields[name] = N_("This is too long; 200 characters are enough.")
    if form.relation:
        fields |= missing_in(form.relation, form.for_name, form.for_email)
    if form.category and form.category not in CATEGORIES:
        fields["category"] = N_("Choose what it is about, or leave it to us.")
    if fields:
        raise Invalid("Please check your answers; nothing has been sent yet.", fields)


def keep_second_contact(tx: Tx, ticket: Ticket, form: ComplaintForm) -> None:
    """Note the phone number beside the address, but only for a customer whom this form made known.

    Otherwise anyone could hang their own number on somebody else's record by naming that person's address.
    """
    customer = tx.session.get_one(Customer, ticket.customer_id)
    if form.email and form.phone and customer.created_at == tx.now:
        customers.add_contact_point(tx, customer, "phone", customers.normal("phone", form.phone))


def _wrong_contacts(form: ComplaintForm) -> dict[str, str]:
    sentences = {
        "email": N_("This is no e-mail address. It should look like name@example.com."),
        "phone": N_("This is no phone number. Write it with its country code, such as +86 138 0013 8000."),
    }
    return {kind: sentence for kind, sentence in sentences.items() if getattr(form, kind) and not _is_contact(kind, form)}


def _is_contact(kind: str, form: ComplaintForm) -> bool:
    try:
        customers.normal(kind, getattr(form, kind))
    except Invalid:
        return False
    return True
