"""`homequeue run`, `web` and `worker`: the processes that stay."""

import argparse
import contextlib
import mmap
import os
import socket
import sys
from collections.abc import Callable
from functools import partial

from peewee import OperationalError

from homequeue import __version__, config, db, facts, processes, supervisor
from homequeue.bootstrap import DATABASE, SUPERVISOR, bootstrap, secret_of, sole
from homequeue.config import Settings
from homequeue.media import media
from homequeue.queue import queue
from homequeue.queue.worker import Worker
from homequeue.services import notify, steering, users
from homequeue.web.app import create_app
from homequeue.web.security import Wsgi
from homequeue.web.server import bind, create_server
from homequeue.web.server import run as serve_forever

Mains = dict[str, Callable[[], None]]

#: Seconds without work after which a spare worker leaves.
PATIENCE = 60.0


def run(settings: Settings, _arguments: argparse.Namespace) -> int:
    """Keep a web and a worker process running until told to stop."""
    notify.check(settings)
    root = config.data_folder(settings)
    has_run = os.path.exists(root / SUPERVISOR)
    with contextlib.ExitStack() as stack:
        if has_run:
            stack.enter_context(sole(root))
        # Bound here, so that it is had or not had at once, and while a web process is replaced; and
        # before anything is made, so that a first start that fails leaves no folder behind.
        bound = bind(settings)
        _prepare(settings)
        bootstrap(settings)
        if not has_run:
            stack.enter_context(sole(root))
        workers = _workers()
        # Memory that the children share: whoever replaces a web process need not welcome anybody.
        greeted = mmap.mmap(-1, 1)
        # Made before the fork too: what making it touches is then shared and not copied.
        secret = secret_of(media.root)
        app = create_app(secret)
        serve = partial(_web, settings, bound, greeted, app, secret)
        supervisor.run({"web": serve, **workers}, list(workers)[1:], settings.queue.grace)
    return 0


def web(settings: Settings, _arguments: argparse.Namespace) -> int:
    """Serve the pages and the API."""
    bound = bind(settings)
    bootstrap(settings)
    secret = secret_of(media.root)
    _web(settings, bound, mmap.mmap(-1, 1), create_app(secret), secret)
    return 0


def worker(settings: Settings, _arguments: argparse.Namespace) -> int:
    """Run jobs and start periodic work."""
    notify.check(settings)
    _prepare(settings)
    bootstrap(settings)
    workers = _workers()
    supervisor.run(workers, list(workers)[1:], settings.queue.grace)
    return 0


def addresses(settings: Settings, port: int) -> list[str]:
    """Return the addresses under which a browser finds us, the one for phones first."""
    if settings.server.url:
        return [settings.server.url]
    host = settings.server.host
    if host not in processes.EVERYWHERE:
        return [f"http://{host}:{port}/"]
    return [f"http://{name}:{port}/" for name in (processes.lan_address(), "localhost") if name]


def _web(
    settings: Settings, bound: socket.socket, greeted: mmap.mmap, app: Wsgi, secret: bytes
) -> None:
    processes.share_one_heap()
    server = create_server(app, secret, settings, bound)
    serve_forever(server, partial(_welcome, settings, greeted))


def _prepare(settings: Settings) -> None:
    """Have a child make or change the tables: the 2 MB that this takes go with it.

    It says nothing of what fails, for then the same fails here.
    """
    child = os.fork()
    if child == 0:
        try:
            bootstrap(settings)
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def _workers() -> Mains:
    """Return the first worker and its spares; who is busy calls for the next while it may."""
    spares = range(2, steering.MOST_WORKERS + 1)
    first: Mains = {"worker 1": partial(_work, "worker 1")}
    return first | {f"worker {n}": partial(_work, f"worker {n}", PATIENCE) for n in spares}


def _work(name: str, patience: float | None = None) -> None:
    db.bind(media.root / DATABASE, config.settings().database.url, durable=False)
    Worker(queue, supervisor.call_for_company, patience, name).run()


def _welcome(settings: Settings, greeted: mmap.mmap, port: int) -> None:
    # For `homequeue status`, which then need not be told. A full disk must not keep the pages away.
    with contextlib.suppress(OperationalError):
        facts.remember("listens", [processes.identity(), settings.server.host, port])
    if greeted[0]:
        return
    greeted[0] = 1
    found = addresses(settings, port)
    print(f"homequeue {__version__} is at {'  and  '.join(found)}")
    print(f"Photos are kept in {media.root}")
    if sys.stdout.isatty():
        import segno  # noqa: PLC0415  (only a terminal shows the code)

        segno.make(found[0]).terminal(compact=True)
    if not users.is_set_up():
        print(f"Set-up code: {users.new_set_up_code()}")
        print("Open the address and enter the code to make the first account.")
    sys.stdout.flush()
