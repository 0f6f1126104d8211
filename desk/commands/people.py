"""`user add` and `token create`: who may use the desk, for a start from the command line."""

from __future__ import annotations

import getpass
import secrets
import sys
from argparse import Namespace
from typing import Any

from sqlalchemy import select

from desk.access import ROLES
from desk.actions.people import agents, tokens
from desk.app import install
from desk.config import LOCALES, Settings
from desk.errors import Invalid
from desk.events import SYSTEM
from desk.models import Team


def add(commands: Any) -> None:
    user = commands.add_parser("user", help="add a person").add_subparsers(dest="verb", required=True)
    new = user.add_parser("add", help="add a person who signs in; the password is asked for, or read from standard input")
    new.add_argument("email")
    new.add_argument("--name", required=True)
    new.add_argument("--role", action="append", required=True, choices=ROLES, help="may be given several times")
    new.add_argument("--team", default="service")
    new.add_argument("--locale", default="en", choices=LOCALES)
    new.set_defaults(run=add_user)
    token = commands.add_parser("token", help="make an API token").add_subparsers(dest="verb", required=True)
    create = token.add_parser("create", help="make a token and print it once")
    create.add_argument("--name", required=True)
    create.add_argument("--role", required=True, choices=ROLES)
    create.set_defaults(run=create_token)


def add_user(chosen: Namespace) -> int:
    password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    with install(Settings.from_env()).store.tx(SYSTEM) as tx:
        team = tx.session.scalar(select(Team).where(Team.key == chosen.team))
        if team is None:
            raise Invalid("There is no team “%(team)s”.", team=chosen.team)
        agents.add_agent(
            tx, email=chosen.email, name=chosen.name, password=password, roles=chosen.role, team=team, locale=chosen.locale
        )
    print(f"{chosen.email} can sign in now.")
    return 0


def create_token(chosen: Namespace) -> int:
    secret = secrets.token_urlsafe(32)
    with install(Settings.from_env()).store.tx(SYSTEM) as tx:
        tokens.create(tx, name=chosen.name, role=chosen.role, secret=secret)
    print(secret)
    return 0
