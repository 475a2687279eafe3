"""`homequeue user` and `homequeue token`."""

import argparse
import getpass
import sys

from homequeue.bootstrap import bootstrap
from homequeue.config import Settings
from homequeue.errors import UsageError
from homequeue.log import plain
from homequeue.media import media
from homequeue.services import users
from homequeue.web.moments import moment_label


def declare_user(parser: argparse.ArgumentParser) -> None:
    """Declare `user add|list|passwd|remove`."""
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    for action, words in (
        ("add", "make an account"),
        ("passwd", "set a new password; ends every session, but no token"),
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
    bootstrap(settings, may_create=arguments.action == "add")
    actions = {"add": _add, "passwd": _passwd, "remove": _remove, "list": _list}
    actions[arguments.action](arguments)
    return 0


def declare_token(parser: argparse.ArgumentParser) -> None:
    """Declare `token add|list|remove`."""
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    words = "make a token and print it, this once"
    below = actions.add_parser("add", help=words, description=words)
    below.add_argument("user", metavar="USER")
    below.add_argument("--name", required=True, metavar="NAME", help="what the token is for")
    below.add_argument("--scope", choices=list(users.SCOPES), default="upload")
    below.add_argument("--expires", type=int, metavar="DAYS", help="days until it expires")
    words = "show the tokens, of one user or of all"
    below = actions.add_parser("list", help=words, description=words)
    below.add_argument("user", metavar="USER", nargs="?")
    words = "make tokens worthless, by their numbers in the list"
    below = actions.add_parser("remove", help=words, description=words)
    below.add_argument("ids", metavar="ID", type=int, nargs="+")


def token(settings: Settings, arguments: argparse.Namespace) -> int:
    """Manage tokens."""
    bootstrap(settings, may_create=False)
    actions = {"add": _add_token, "list": _list_tokens, "remove": _remove_tokens}
    actions[arguments.action](arguments)
    return 0


def _add(arguments: argparse.Namespace) -> None:
    password = _password(arguments)
    added = users.add(arguments.name, password, is_admin=arguments.admin)
    print(f"{added.name} may sign in now.")
    if len(users.everyone()) == 1:
        print(f"This is the first account of the library in {media.root}.")


def _passwd(arguments: argparse.Namespace) -> None:
    found = users.get(arguments.name)
    users.set_password(found, _password(arguments))
    print(f"The password of {found.name} is changed; all browsers have to sign in again.")
    if count := len(users.tokens(found)):
        kept = "1 token still works" if count == 1 else f"{count} tokens still work"
        print(f"{kept}: `homequeue token list`, `homequeue token remove`.")


def _remove(arguments: argparse.Namespace) -> None:
    found = users.get(arguments.name)
    users.remove(found)
    print(f"{found.name} is removed.")


def _list(_arguments: argparse.Namespace) -> None:
    everyone = users.everyone()
    for found in everyone:
        print(f"{found.name}\tadmin" if found.is_admin else found.name)
    if not everyone:
        print("There is no account yet: homequeue user add NAME --admin", file=sys.stderr)


def _add_token(arguments: argparse.Namespace) -> None:
    owner = users.get(arguments.user)
    print(users.add_token(owner, arguments.name, arguments.scope, arguments.expires))


def _list_tokens(arguments: argparse.Namespace) -> None:
    tokens = users.tokens(users.get(arguments.user) if arguments.user else None)
    if not tokens:
        print("There are no tokens.", file=sys.stderr)
    for found in tokens:
        made = f"made {moment_label(found.created_at)}"
        used = f"last used {moment_label(found.used_at)}" if found.used_at else "never used"
        ends = (
            f"expires {moment_label(found.expires_at)}" if found.expires_at else "does not expire"
        )
        fields = (f"{found.id:>4}", found.user.name, found.name, found.scope, made, used, ends)
        print(plain("  ".join(fields)))


def _remove_tokens(arguments: argparse.Namespace) -> None:
    for found in users.remove_tokens(arguments.ids):
        print(plain(f"The token “{found.name}” of {found.user.name} is worthless now."))


def _password(arguments: argparse.Namespace) -> str:
    if arguments.password_stdin:
        return sys.stdin.readline().rstrip("\n")
    if not sys.stdin.isatty():
        raise UsageError("There is no terminal to ask for the password: use --password-stdin.")
    try:
        password = getpass.getpass("Password: ")
        again = getpass.getpass("Once more: ")
    except (EOFError, KeyboardInterrupt):
        print(file=sys.stderr)  # the prompt is still on the line
        raise UsageError("No password was given, so nothing was changed.") from None
    if password != again:
        raise UsageError("The two passwords differ.")
    return password
