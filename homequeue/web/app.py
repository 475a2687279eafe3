"""The WSGI application: the route table behind one guard."""

import logging
from collections.abc import Callable
from contextlib import nullcontext, suppress
from functools import partial
from typing import Any
from urllib.parse import quote

from bottle import Bottle, HTTPError, HTTPResponse, request
from peewee import OperationalError

from homequeue import db
from homequeue.errors import (
    HomequeueError,
    Invalid,
    NotFound,
    NotSignedIn,
    NotSupported,
    TooLarge,
)
from homequeue.web import principals
from homequeue.web.pages import page
from homequeue.web.principals import Principal
from homequeue.web.route import Route
from homequeue.web.routes import ROUTES
from homequeue.web.security import Wsgi, secured
from homequeue.web.visits import Visit, as_json, see_other, with_retry

logger = logging.getLogger("homequeue.web")

DEFECT = HomequeueError("Something went wrong on the server. It has been written down.")
#: What is said where no handler answers, by the status that Bottle gives.
UNROUTED: dict[int, HomequeueError] = {
    400: Invalid("This request makes no sense."),
    404: NotFound("There is nothing at this address."),
    405: NotSupported("This cannot be done here."),
    413: TooLarge("This is more than can be sent here."),
}


def create_app(secret: bytes) -> Wsgi:
    """Return the application; `secret` is that of the data folder."""
    app = Bottle(catchall=True)
    app.config["json.enable"] = False
    app.router.add_filter("id", lambda _: (r"-?\d+", _read_id, str))
    app.router.add_filter("dav", lambda _: (r"(?:/.*)?", None, None))
    app.default_error_handler = partial(_unrouted, secret=secret)
    for route in ROUTES:
        app.route(route.path, route.method, _guarded(route, secret))
    return secured(app)


def _guarded(route: Route, secret: bytes) -> Callable[..., Any]:
    handler = partial(route.handler, secret=secret) if route.checks_csrf else route.handler

    def answer(**named: Any) -> Any:
        visit = Visit(request, Principal())
        try:
            if not route.any_host:
                principals.check_host(visit.header("Host"))
            # A monitor that only asks whether the process serves must not depend on the database.
            with suppress(OperationalError) if route.any_host else nullcontext():
                visit.principal = _who(visit)
            visit.csrf = principals.csrf_token(visit.principal, secret)
            principals.authorise(visit.principal, route.needs)
            if route.writes:
                _check_write(visit, route, secret)
            # The token of a link has become the principal: handlers need not know of it.
            return handler(visit, **{n: value for n, value in named.items() if n != "token"})
        except NotSignedIn as error:
            is_page = route.is_page or visit.is_form
            return _ask_to_sign_in(visit, error) if is_page else refuse(visit, error)
        except HomequeueError as error:
            return refuse(visit, error)
        except OperationalError as error:
            logger.warning("The database does not answer: %s", error)
            return refuse(visit, db.in_words(error))
        except HTTPResponse:
            raise
        except Exception:
            logger.exception("A defect at %s", route.path)
            return refuse(visit, DEFECT)

    return answer


def _read_id(text: str) -> int:
    # More digits than SQLite's integers have are nothing's id, and no reason to fail.
    return int(text) if len(text) < 19 else -1


def refuse(visit: Visit, error: HomequeueError) -> HTTPResponse:
    """Return an error as the client wants it: a page for a browser, JSON for a program."""
    if visit.wants_page():
        back = visit.principal.link or "/"
        answer = page(visit, "error", error.status, words=str(error), back=back)
    else:
        answer = as_json({"error": str(error), "code": error.code}, error.status)
    if error.status == 401:
        answer.set_header("WWW-Authenticate", 'Bearer realm="homequeue"')
    return with_retry(answer, error)


def _who(visit: Visit) -> Principal:
    def cookie(name: str) -> str:
        return str(visit.request.get_cookie(name) or "")

    path = visit.request.path
    return principals.who(path, visit.header("Authorization"), cookie, visit.address)


def _check_write(visit: Visit, route: Route, secret: bytes) -> None:
    principals.check_same_site(
        visit.header("Origin"), visit.header("Sec-Fetch-Site"), visit.header("Host")
    )
    if visit.principal.session and not route.checks_csrf:
        given = visit.header("X-CSRF-Token")
        given = given or (visit.form("csrf") if visit.is_form else "")
        principals.check_csrf(visit.principal, given, secret)


def _ask_to_sign_in(visit: Visit, error: NotSignedIn) -> HTTPResponse:
    if not visit.wants_page() and visit.header("Accept") not in ("", "*/*"):
        return refuse(visit, error)
    query = visit.request.query_string
    back = visit.request.path + (f"?{query}" if query else "")
    if visit.request.method != "GET" or back == "/":
        return see_other("/sign-in")
    return see_other(f"/sign-in?next={quote(back, safe='/')}")


def _unrouted(error: HTTPError, secret: bytes) -> HTTPResponse:
    """Answer what no handler answered: an unknown address, a wrong method, too long a form."""
    visit = Visit(request, Principal())
    # The navigation is there for whom it is; a token or a database that is no good changes nothing.
    with suppress(HomequeueError, OperationalError):
        visit.principal = _who(visit)
        visit.csrf = principals.csrf_token(visit.principal, secret)
    answer = refuse(visit, UNROUTED.get(int(error.status_code), DEFECT))
    answer.headers.update({name: value for name, value in error.headerlist if name == "Allow"})
    return answer
