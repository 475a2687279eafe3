"""The command line: one program, one table of commands, errors in one line."""

import argparse
import pkgutil
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from peewee import OperationalError

from homequeue import __version__, config, db
from homequeue.config import OPTIONS, Settings
from homequeue.errors import HomequeueError
from homequeue.log import plain

Arguments = argparse.Namespace

#: How alike an option that is not there and one that is must be, of 1, to be taken for a slip.
CLOSE = 0.75


@dataclass(frozen=True)
class Later:
    """A function of the command line by its name, which is imported when it is wanted.

    The server, which stays, need not hold all that the other commands are made of: over a megabyte.
    """

    name: str

    def found(self) -> Callable[..., Any]:
        """Return the function itself."""
        function: Callable[..., Any] = pkgutil.resolve_name(f"homequeue.cli.{self.name}")
        return function

    def __call__(self, *given: Any) -> Any:
        """Call the function."""
        return self.found()(*given)


@dataclass(frozen=True)
class Command:
    """One command: how its arguments are declared and what it does."""

    name: str
    help: str
    run: Callable[[Settings, Arguments], int]
    declare: Callable[[argparse.ArgumentParser], None] = lambda _: None


_JSON = Later("machine:declare_json")

COMMANDS: tuple[Command, ...] = (
    Command("run", "everything: web, workers and scheduler", Later("serve:run")),
    Command("web", "the web server alone", Later("serve:web")),
    Command("worker", "workers and scheduler alone", Later("serve:worker")),
    Command(
        "user",
        "accounts: add, list, passwd, remove",
        Later("accounts:user"),
        Later("accounts:declare_user"),
    ),
    Command(
        "token",
        "tokens for programs: add, list, remove",
        Later("accounts:token"),
        Later("accounts:declare_token"),
    ),
    Command("import", "bring files and folders in", Later("imports:run"), Later("imports:declare")),
    Command("jobs", "the queue: look at it and steer it", Later("jobs:run"), Later("jobs:declare")),
    Command("status", "what runs and what needs a person", Later("machine:status"), _JSON),
    Command("doctor", "what could be wrong, and what to do", Later("doctor:run"), _JSON),
    Command(
        "config",
        "effective settings and their sources",
        Later("machine:show"),
        Later("machine:declare_config"),
    ),
    Command(
        "systemd", "print or install the systemd unit", Later("unit:systemd"), Later("unit:declare")
    ),
)


class Parser(argparse.ArgumentParser):
    """A parser that knows what was meant, and repeats no secret."""

    def error(self, message: str) -> NoReturn:
        """Print the usage and what is wrong with it, and exit with 2."""
        # An address among the words may have a password in it.
        super().error(re.sub(r"://[^\s'\"]+", "://…", message))

    def refuse_unknown(self, words: Sequence[str]) -> None:
        """Refuse an option that is none here, before its value is taken for a command."""
        commands = {name: below for group in _groups(self) for name, below in group.choices.items()}
        known = set(self._option_string_actions)
        for word in words:
            flag = word.partition("=")[0]
            if flag == "--":
                return
            for parser in _family(commands[word]) if word in commands else ():
                known |= set(parser._option_string_actions)
            # What has a space in it, or is a number, argparse takes for a value.
            is_option = re.fullmatch(r"-(?![\d.]+$)[^ ]*", flag)
            # Of a name that is cut short it finds the rest.
            if is_option and not any(name.startswith(flag) for name in known):
                import difflib  # noqa: PLC0415  (only a mistake wants it)

                close = difflib.get_close_matches(flag, known, 1, CLOSE)
                hint = f"; is it {close[0]}?" if close else ""
                self.error(f"there is no option {flag} here{hint}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code: 0 well, 1 an error in one line, 2 wrong usage."""
    arguments = _read(sys.argv[1:] if argv is None else argv)
    try:
        settings = config.load(arguments.config, overrides(arguments))
        command: Command = arguments.command
        return command.run(settings, arguments)
    except HomequeueError as error:
        return _fail(error)
    except OperationalError as error:
        return _fail(db.in_words(error))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has seen enough; nothing may be flushed at exit any more.
        sys.stdout = None
        return 0


def _read(words: Sequence[str]) -> Arguments:
    # The parser ends here: whoever serves for months need not keep half a megabyte of it.
    parser = build_parser(words)
    parser.refuse_unknown(words)
    return parser.parse_args(words)


def _fail(error: HomequeueError) -> int:
    print(f"homequeue: {plain(str(error))}", file=sys.stderr)
    return 1


def build_parser(words: Sequence[str]) -> Parser:
    """Return the parser of a command line; of commands that are not in it it knows the names."""
    parser = Parser(
        prog="homequeue",
        description="A home server for photos, in one command.",
        epilog="Every option of homequeue.ini can also be given as --section-option VALUE.",
    )
    parser.add_argument("--version", action="version", version=f"homequeue {__version__}")
    _declare_settings(parser, default=None)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        below = commands.add_parser(command.name, help=command.help, description=command.help)
        if command.name not in words:
            continue
        # Given after the command they win; not given there, they must not undo those before it.
        _declare_settings(below, default=argparse.SUPPRESS)
        command.declare(below)
        for action in _below(below):
            _declare_settings(action, default=argparse.SUPPRESS)
        below.set_defaults(command=command)
    return parser


def overrides(arguments: Arguments) -> dict[str, str]:
    """Return the settings given on the command line, as `section.option`."""
    given = vars(arguments)
    return {
        option.key: given[option.key] for option in OPTIONS if given.get(option.key) is not None
    }


def _family(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    """Return a parser and all those below it."""
    return [parser, *(member for below in _below(parser) for member in _family(below))]


def _below(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    """Return the parsers of commands, or of a command's actions, such as `add` of `user`."""
    return [below for group in _groups(parser) for below in group.choices.values()]


def _groups(parser: argparse.ArgumentParser) -> list[Any]:
    return [entry for entry in parser._actions if isinstance(entry, argparse._SubParsersAction)]


def _declare_settings(parser: argparse.ArgumentParser, default: str | None) -> None:
    parser.add_argument("--config", metavar="FILE", default=default, help="settings file")
    for option in OPTIONS:
        flags = [f"--{option.flag}"] if option.flag else []
        flags += [f"--{option.section}-{option.name.replace('_', '-')}"]
        shown = option.help.replace("%", "%%") if option.flag else argparse.SUPPRESS
        metavar = "DIR" if option.flag == "data" else option.name.upper()
        parser.add_argument(*flags, dest=option.key, metavar=metavar, default=default, help=shown)
