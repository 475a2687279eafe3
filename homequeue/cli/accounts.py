"""`homequeue user` and `homequeue token`."""

import argparse
import getpass
import sys

from homequeue.bootstrap import bootstrap
from homequeue.config import Settings
from homequeue.errors import UsageError
from homequeue.services import users


def declare_user(parser: argparse.ArgumentParser) -> None:
    """Declare `user add|list|passwd|remove`."""
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    for action, words in (
        ("add", "make an account"),
        ("passwd", "set a new password; ends every session"),
        ("remove", "delete an account that owns no photos"),
    ):
        below = actions.add_parser(action, help=words, description=words)
        below.add_argument("name", metavar="NAME")
        if action == "add":
            below.add_argument("--admin", action="store_true", help="may administer the server")
        if action != "remove":
            below.add_argument(
                "--password-stdin", action="store_true", help="read the password from stdin"
            )
    actions.add_parser("list", help="show the accounts", description="show the accounts")


def user(settings: Settings, arguments: argparse.Namespace) -> int:
    """Manage accounts."""
    bootstrap(settings)
    actions = {"add": _add, "passwd": _passwd, "remove": _remove, "list": _list}
    actions[arguments.action](arguments)
    return 0


def declare_token(parser: argparse.ArgumentParser) -> None:
    """Declare `token add`."""
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    below = actions.add_parser("add", help="make a token and print it, this once")
    below.add_argument("user", metavar="USER")
    below.add_argument("--name", required=True, metavar="NAME", help="what the token is for")
    below.add_argument("--scope", choices=list(users.SCOPES), default="upload")
    below.add_argument("--expires", type=int, metavar="DAYS", help="days until it expires")


def token(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print a new token alone on stdout."""
    bootstrap(settings)
    owner = users.get(arguments.user)
    print(users.add_token(owner, arguments.name, arguments.scope, arguments.expires))
    return 0


def _add(arguments: argparse.Namespace) -> None:
    password = _password(arguments)
    added = users.add(arguments.name, password, is_admin=arguments.admin)
    print(f"{added.name} may sign in now.")


def _passwd(arguments: argparse.Namespace) -> None:
    found = users.get(arguments.name)
    users.set_password(found, _password(arguments))
    print(f"The password of {found.name} is changed; all browsers have to sign in again.")


def _remove(arguments: argparse.Namespace) -> None:
    found = users.get(arguments.name)
    users.remove(found)
    print(f"{found.name} is removed.")


def _list(_arguments: argparse.Namespace) -> None:
    for found in users.everyone():
        print(f"{found.name}\tadmin" if found.is_admin else found.name)


def _password(arguments: argparse.Namespace) -> str:
    if arguments.password_stdin:
        return sys.stdin.readline().rstrip("\n")
    if not sys.stdin.isatty():
        raise UsageError("There is no terminal to ask for the password: use --password-stdin.")
    password = getpass.getpass("Password: ")
    if password != getpass.getpass("Once more: "):
        raise UsageError("The two passwords differ.")
    return password
