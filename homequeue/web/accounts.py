"""Sign-in, sign-out and the set-up of the first account."""

from typing import Any

from bottle import HTTPResponse

from homequeue import config
from homequeue.errors import HomequeueError, Invalid, NotSignedIn
from homequeue.models import User
from homequeue.services import users
from homequeue.web.pages import page, say
from homequeue.web.principals import COOKIE
from homequeue.web.visits import Visit, local_path, see_other, with_retry


def show_sign_in(visit: Visit) -> Any:
    """Show the sign-in page, or the set-up page while there is no account."""
    if not users.is_set_up():
        return see_other("/set-up")
    return page(visit, "sign_in", error="", name="", next=local_path(visit.query("next") or "/"))


def sign_in(visit: Visit) -> Any:
    """Open a session for a right name and password."""
    name = visit.form("name")
    try:
        user = users.sign_in(name, visit.form("password"), visit.address)
    except HomequeueError as error:
        form = {"error": str(error), "name": name, "next": local_path(visit.form("next") or "/")}
        return with_retry(page(visit, "sign_in", status=error.status, **form), error)
    return _welcome(visit, user, visit.form("next") or "/")


def sign_out(visit: Visit) -> HTTPResponse:
    """End the session."""
    if visit.principal.session:
        users.close_session(visit.principal.session)
    answer = see_other("/sign-in")
    answer.delete_cookie(COOKIE, path="/")
    return answer


def show_password(visit: Visit) -> HTTPResponse:
    """Show the page on which somebody changes their own password."""
    return page(visit, "password", error="")


def change_password(visit: Visit) -> HTTPResponse:
    """Take a new password from who knows the old one; every other session ends."""
    try:
        # As a sign-in, so that guessing has to wait here too.
        users.sign_in(visit.user.name, visit.form("old"), visit.address)
        users.set_password(visit.user, visit.form("new"))
    except HomequeueError as error:
        said = Invalid("The old password is wrong.") if isinstance(error, NotSignedIn) else error
        answer = page(visit, "password", status=said.status, error=str(said))
        return with_retry(answer, said)
    return _welcome(visit, visit.user, say("/", "password"))


def show_set_up(visit: Visit) -> Any:
    """Show the page on which the first account is made."""
    if users.is_set_up():
        return see_other("/sign-in")
    return page(visit, "set_up", error="", code="", name="")


def set_up(visit: Visit) -> Any:
    """Make the first account and sign it in."""
    code, name = visit.form("code"), visit.form("name")
    try:
        user = users.set_up(code, name, visit.form("password"), visit.address)
    except HomequeueError as error:
        form = {"error": str(error), "code": code, "name": name}
        return with_retry(page(visit, "set_up", status=error.status, **form), error)
    return _welcome(visit, user, "/upload")


def _welcome(visit: Visit, user: User, location: str) -> HTTPResponse:
    if visit.principal.session:
        users.close_session(visit.principal.session)
    days = config.settings().server.session_days
    answer = see_other(location)
    answer.set_cookie(
        COOKIE,
        users.open_session(user, days),
        path="/",
        max_age=days * 86400,
        httponly=True,
        samesite="lax",
        secure=visit.is_secure,
    )
    return answer
