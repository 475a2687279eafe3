"""The floors of the house: imports go down only, none are hidden, state moves in one place."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "homequeue"

#: Each floor, from the ground up; a module belongs to the longest name that begins its own.
FLOORS = (
    ("config", "errors", "log", "parsers", "processes"),
    (
        "postgres",
        "db",
        "models",
        "causes",
        "facts",
        "histories",
        "holds",
        "runs",
        "meter",
        "ledger",
        "incoming",
        "media",
        "queue",
        "migrations",
    ),
    ("services",),
    ("tasks",),
    ("web",),
    ("cli", "bootstrap", "supervisor", "__main__"),
)


def modules() -> dict[str, Path]:
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts).removesuffix(".__init__")] = path
    return found


def floor(module: str) -> int | None:
    room = module.split(".")[1] if "." in module else ""
    return next((n for n, rooms in enumerate(FLOORS) if room in rooms), None)


def imports(node: ast.AST) -> set[str]:
    found = set()
    for below in ast.walk(node):
        if isinstance(below, ast.Import):
            found |= {alias.name for alias in below.names}
        elif isinstance(below, ast.ImportFrom):
            assert not below.level, "relative imports hide which floor they go to"
            # Whatever is taken from a package, the package itself is imported first.
            found |= {str(below.module), *(f"{below.module}.{alias.name}" for alias in below.names)}
    return {name for name in found if name.split(".")[0] == "homequeue"}


def resolve(name: str, known: dict[str, Path]) -> str:
    while name and name not in known:
        name = name.rpartition(".")[0]
    return name


def graph() -> dict[str, set[str]]:
    known = modules()
    return {
        module: {resolve(name, known) for name in imports(ast.parse(path.read_text()))} - {module}
        for module, path in known.items()
    }


def test_every_module_has_a_floor():
    homeless = [m for m in modules() if m != "homequeue" and floor(m) is None]
    assert homeless == []


def test_imports_go_down():
    upwards = [
        f"{module} imports {other}"
        for module, others in graph().items()
        for other in others
        if (floor(other) or 0) > (floor(module) if floor(module) is not None else -1)
    ]
    assert upwards == []


def test_no_import_cycles():
    edges = graph()

    def reachable(start: str) -> set[str]:
        seen: set[str] = set()
        todo = list(edges[start])
        while todo:
            module = todo.pop()
            if module not in seen:
                seen.add(module)
                todo += edges[module]
        return seen

    assert [m for m in edges if m in reachable(m)] == []


def test_no_hidden_imports_of_our_own():
    hidden = [
        f"{module}:{function.lineno}"
        for module, path in modules().items()
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.FunctionDef) and imports(function)
    ]
    assert hidden == []


@pytest.mark.parametrize(
    ("what", "floor_of", "allowed"),
    [
        ("bottle", "web", {"homequeue.web"}),
        (
            "PIL",
            "imaging",
            {
                "homequeue.services.developing",
                "homequeue.services.imaging",
                "homequeue.services.metadata",
                "homequeue.services.raw",
            },
        ),
        ("waitress", "server", {"homequeue.web.server"}),
        ("argon2", "users", {"homequeue.services.users"}),
    ],
)
def test_libraries_stop_where_they_belong(what, floor_of, allowed):
    users = set()
    for module, path in modules().items():
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name.split(".")[0] == what for name in names):
                users.add(module)
    assert users
    assert all(any(user.startswith(room) for room in allowed) for user in users), users


@pytest.mark.parametrize("model", ["Job", "Asset"])
def test_state_moves_in_one_place(model):
    """Outside their homes nobody updates a state column or assigns `.state`."""
    strays = []
    for module, path in modules().items():
        if module in ("homequeue.ledger", "homequeue.services.assets"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Assign):
                targets = [t for t in node.targets if isinstance(t, ast.Attribute)]
                strays += [f"{module}:{node.lineno}" for t in targets if t.attr == "state"]
            if isinstance(node, ast.Call) and ast.unparse(node.func) == f"{model}.update":
                strays += [f"{module}:{node.lineno}" for k in node.keywords if k.arg == "state"]
    assert strays == []


def test_functions_and_files_stay_short():
    lengths = sorted(
        (node.end_lineno - node.lineno + 1, f"{module}.{node.name}")
        for module, path in modules().items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.end_lineno is not None
    )
    assert [name for length, name in lengths if length > 50] == []
    assert lengths[len(lengths) * 9 // 10][0] <= 30
    long = [m for m, path in modules().items() if len(path.read_text().splitlines()) > 400]
    assert long == []
