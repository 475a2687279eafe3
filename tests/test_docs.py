"""The docs name every option, command and route, and only what is there."""

import re
from pathlib import Path

import pytest

from homequeue import config
from homequeue.cli import COMMANDS
from homequeue.web.routes import ROUTES

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("option", config.OPTIONS, ids=lambda option: option.key)
def test_settings_name_every_option(option):
    section = (
        text("docs/settings.md").partition(f"## [{option.section}]\n")[2].partition("\n## ")[0]
    )
    row = next(line for line in section.splitlines() if line.startswith(f"| `{option.name}` |"))
    assert option.help in row
    assert f"`{option.default}`" in row or not option.default


def test_settings_name_no_option_that_is_not_there():
    named = re.findall(r"^\| `(\w+)` \|", text("docs/settings.md"), re.MULTILINE)
    assert sorted(named) == sorted(option.name for option in config.OPTIONS)


def test_the_settings_file_is_the_explained_one():
    assert text("homequeue.ini") == config.explain()


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_commands_are_documented(command):
    assert f"`homequeue {command.name}" in text("docs/commands.md")


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_routes_are_documented(route):
    path = re.sub(r"<\w+_id:id>|<upload_id>", "ID", route.path)
    path = path.replace("<path:path>", "PATH").replace("<task>", "TASK")
    path = path.replace("<token>", "TOKEN")
    path = path.replace("<filename:path>", "NAME").replace("<place:dav>", "/PLACE")
    docs = text("docs/http.md")
    spoken = f"`{route.method} {path}`"
    short = f"`/{path.rpartition('/')[2]}`"  # further kinds of bytes of the same asset
    assert spoken in docs or (path.startswith("/api/assets/ID/") and short in docs)


def test_links_between_docs_lead_somewhere():
    for page in [ROOT / "README.md", *DOCS.glob("*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_tables_have_heads():
    """Without one the rows are shown as they are written, bars and all."""
    for page in [ROOT / "README.md", *DOCS.glob("*.md")]:
        for table in re.findall(r"(?:^\|.*\n)+", page.read_text(encoding="utf-8"), re.MULTILINE):
            lines = [*table.splitlines(), ""]
            assert re.fullmatch(r"[|: -]+", lines[1]), f"{page.name}: {lines[0]}"


def test_make_targets_of_the_readme_exist():
    targets = set(re.findall(r"^([a-z]+):", text("Makefile"), re.MULTILINE))
    assert set(re.findall(r"`?make ([a-z]+)`?", text("README.md"))) <= targets | {"for"}


def test_libraries_are_explained():
    declared = re.findall(
        r"^    ([\w-]+) >=", text("setup.cfg").partition("[options.extras")[0], re.M
    )
    docs = text("docs/architecture.md")
    assert declared
    assert [name for name in declared if f"| {name} |" not in docs] == []
