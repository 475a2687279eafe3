"""Who may do what: every address, every kind of visitor, things of one's own, others' and none.

The table is written by hand. A route that is not in it fails the tests: whoever adds one says here
who may use it.
"""

import hashlib
import re
from dataclasses import dataclass

import pytest

from homequeue.media import media
from homequeue.models import Job, Token, Upload, User
from homequeue.services import batches, users
from homequeue.web.principals import COOKIE, PUBLIC, identify
from homequeue.web.routes import ROUTES, Route
from tests.library import job, jpeg, snapshot, whole
from tests.web.client import Client, dashed
from tests.web.conftest import signed_in, with_token

VISITORS = ("nobody", "member", "admin", "upload", "read", "write", "admin token")

#: Statuses in the order of VISITORS, for a request that makes sense and is about one's own things.
TABLE = {
    # Anybody
    "GET /healthz": "200 200 200 200 200 200 200",
    "GET /readyz": "503 503 503 503 503 503 503",
    "GET /metrics": "403 403 200 403 403 403 200",
    "GET /static/<path>": "200 200 200 200 200 200 200",
    "GET /sign-in": "200 200 200 200 200 200 200",
    "POST /sign-in": "303 303 303 303 303 303 303",
    "POST /sign-out": "303 303 303 303 303 303 303",
    "GET /set-up": "303 303 303 303 303 303 303",
    "POST /set-up": "403 403 403 403 403 403 403",
    # Pages, and their forms
    "GET /": "303 200 200 403 200 200 200",
    "GET /assets/<asset_id>": "303 200 200 403 200 200 200",
    "POST /assets/<asset_id>/trash": "303 303 303 403 403 303 303",
    "POST /assets/<asset_id>/restore": "303 303 303 403 403 303 303",
    "POST /assets/<asset_id>/purge": "303 303 303 403 403 303 303",
    "POST /assets/<asset_id>/edit": "303 303 303 403 403 303 303",
    "GET /upload": "303 200 200 200 403 200 200",
    "POST /upload": "303 200 200 200 403 200 200",
    "GET /trash": "303 200 200 403 200 200 200",
    "POST /trash/empty": "303 303 303 403 403 303 303",
    "GET /password": "303 200 200 403 200 200 200",
    "POST /password": "303 303 303 403 403 303 303",
    "GET /activity": "303 200 200 403 200 200 200",
    "GET /activity/history": "303 200 200 403 200 200 200",
    "GET /activity/machine": "303 403 200 403 403 403 200",
    "GET /jobs/<job_id>": "303 200 200 403 200 200 200",
    # Assets
    "POST /api/assets": "401 201 201 201 403 201 201",
    "PUT /api/assets": "401 201 201 201 403 201 201",
    "PUT /api/assets/<filename>": "401 201 201 201 403 201 201",
    "POST /api/assets/check": "401 200 200 200 403 200 200",
    "OPTIONS /api/uploads": "204 204 204 204 204 204 204",
    "OPTIONS /api/uploads/<upload_id>": "204 204 204 204 204 204 204",
    "POST /api/uploads": "401 201 201 201 403 201 201",
    "HEAD /api/uploads/<upload_id>": "401 200 200 200 403 200 200",
    "PATCH /api/uploads/<upload_id>": "401 204 204 204 403 204 204",
    "DELETE /api/uploads/<upload_id>": "401 204 204 204 403 204 204",
    "GET /api/batches/<batch_id>": "401 200 200 403 200 200 200",
    "GET /batches/<batch_id>": "303 200 200 403 200 200 200",
    "GET /api/assets": "401 200 200 403 200 200 200",
    "GET /api/assets/<asset_id>": "401 200 200 403 200 200 200",
    "PATCH /api/assets/<asset_id>": "401 200 200 403 403 200 200",
    "DELETE /api/assets/<asset_id>": "401 204 204 403 403 204 204",
    "POST /api/assets/<asset_id>/restore": "401 200 200 403 403 200 200",
    "GET /api/assets/<asset_id>/thumbnail": "401 200 200 403 200 200 200",
    "GET /api/assets/<asset_id>/preview": "401 200 200 403 200 200 200",
    "GET /api/assets/<asset_id>/original": "401 200 200 403 200 200 200",
    "GET /api/assets/<asset_id>/video": "401 200 200 403 200 200 200",
    # The queue
    "GET /api/jobs": "401 200 200 403 200 200 200",
    "GET /api/jobs/<job_id>": "401 200 200 403 200 200 200",
    "POST /api/jobs/<job_id>/retry": "401 200 200 403 403 200 200",
    "POST /api/jobs/<job_id>/cancel": "401 200 200 403 403 200 200",
    "POST /api/jobs/<job_id>/stop": "401 200 200 403 403 200 200",
    "POST /api/jobs/<job_id>/dismiss": "401 200 200 403 403 200 200",
    "POST /api/jobs/retry-failed": "401 200 200 403 403 200 200",
    "POST /api/jobs/dismiss-failed": "401 200 200 403 403 200 200",
    "GET /api/queue/history": "401 403 200 403 403 403 200",
    "POST /api/queue/workers": "401 403 200 403 403 403 200",
    "POST /api/queue/again": "401 403 200 403 403 403 200",
    "POST /api/periodic/<task>/run": "401 403 200 403 403 403 200",
    "POST /api/periodic/<task>/switch": "401 403 200 403 403 403 200",
    "GET /openapi.json": "401 200 200 403 200 200 200",
    "GET /api/queue": "401 200 200 403 200 200 200",
    "POST /api/queue/pause": "401 403 200 403 403 403 200",
    "POST /api/queue/resume": "401 403 200 403 403 403 200",
}

BY_NAME = {f"{r.method} {re.sub(':[a-z]+>', '>', r.path)}": r for r in ROUTES}
WITH_ASSET = [name for name in TABLE if "asset_id" in name]
WITH_JOB = [name for name in TABLE if "job_id" in name]
WITH_BATCH = [name for name in TABLE if "batch_id" in name]
WITH_UPLOAD = [name for name in TABLE if "upload_id" in name and not name.startswith("OPTIONS")]
WITH_OWNER = WITH_ASSET + WITH_JOB + WITH_BATCH + WITH_UPLOAD
READS = ("GET", "HEAD", "OPTIONS")
WRITES = [name for name in TABLE if not name.startswith(READS)]


@dataclass
class Site:
    """The visitors and whose things are whose."""

    clients: dict[str, Client]
    users: dict[str, User]
    stranger: User


@pytest.fixture
def site(app, anna, ben):
    carla = users.add("Carla", "open sesame!")
    clients = {
        "nobody": Client(app),
        "member": signed_in(app, ben),
        "admin": signed_in(app, anna),
        "upload": with_token(app, ben, "upload"),
        "read": with_token(app, ben, "read"),
        "write": with_token(app, ben, "write"),
        "admin token": with_token(app, anna, "admin"),
    }
    whose = {name: anna if name.startswith("admin") else ben for name in VISITORS}
    return Site(clients, whose | {"nobody": carla}, carla)


def statuses(name: str) -> dict[str, int]:
    return dict(zip(VISITORS, map(int, TABLE[name].split()), strict=True))


#: What every request about a resumable upload says, and does no harm elsewhere.
TUS = {
    "Tus-Resumable": "1.0.0",
    "Upload-Length": "2000",
    "Upload-Offset": "0",
}
BYTES = {"Content-Type": "application/offset+octet-stream"}

_numbers = iter(range(1, 10**9))


def new_asset(owner: User, name: str) -> int:
    """An asset in the state in which the route makes sense."""
    trashed = 1.0 if "restore" in name or "purge" in name else None
    kind = {"kind": "video", "playable": True} if name.endswith("/video") else {}
    return whole(owner, next(_numbers), trashed_at=trashed, **kind).id


def new_job(owner: User, name: str) -> int:
    asset = whole(owner, next(_numbers))
    ended = "retry" in name or "dismiss" in name
    return job("failed" if ended else "queued", asset=asset.id, args=f"[{asset.id}]").id


def target(route: Route, number: int) -> str:
    path = re.sub(r"<(asset|job|batch)_id:\w+>", str(number), route.path)
    path = path.replace("<upload_id>", f"{number:032x}")
    path = path.replace("<filename:path>", "a.jpg").replace("<task>", "check_disk")
    return path.replace("<path:path>", "css/app.css")


def password(client: Client) -> str:
    """The password of a visitor, as the fixtures have it."""
    bearer = f"Bearer {client.token}" if client.token else ""
    user = identify(bearer, client.cookies.get(COOKIE, "")).user
    return {"Anna": "correct horse", "Ben": "battery staple"}[user.name] if user else ""


def ask(client: Client, name: str, number: int = 0, **headers: str):
    """A request to the route that makes sense."""
    route = BY_NAME[name]
    path = target(route, number)
    if name in ("POST /api/assets", "POST /upload"):
        csrf = ("csrf", client.csrf)
        photo = ("file", "a.jpg", jpeg(next(_numbers)))
        return client.send(csrf, photo, target=path, **headers)
    if name.startswith("PUT"):
        return client.request("PUT", path, body=jpeg(next(_numbers)), headers=dashed(headers))
    options: dict = {"headers": TUS | dashed(headers)}
    if name.startswith("PATCH /api/uploads"):
        options["body"] = b"a"
        options["headers"] |= BYTES
    if name == "POST /sign-in":
        options["form"] = {"name": "Carla", "password": "open sesame!"}
    elif name == "POST /password":
        options["form"] = {field: password(client) for field in ("old", "new")}
    elif name == "POST /api/assets/check":
        options["json"] = {"checksums": [hashlib.sha256(b"").hexdigest()]}
    elif name == "POST /api/queue/workers":
        options["json"] = {"workers": 2}
    elif name == "POST /api/queue/again":
        options["json"] = {"which": "missing"}
    elif name.startswith("PATCH"):
        options["json"] = {"favorite": True}
    return client.request(route.method, path, **options)


def new_upload(owner: User) -> int:
    number = next(_numbers)
    upload = Upload(id=f"{number:032x}", user=owner, size=2000)
    upload.save(force_insert=True)
    media.begin_resumable(upload.id)
    return number


def make(name: str, owner: User) -> int:
    if name in WITH_UPLOAD:
        return new_upload(owner)
    if name in WITH_BATCH:
        return batches.begin("upload", owner)
    if name in WITH_ASSET:
        return new_asset(owner, name)
    return new_job(owner, name) if name in WITH_JOB else 0


def test_the_table_knows_every_route_and_no_other():
    assert set(TABLE) == set(BY_NAME)
    assert len(ROUTES) == len(BY_NAME), "an address is there twice"


def test_public_is_what_the_table_opens_to_nobody():
    public = {name for name, route in BY_NAME.items() if route.needs == PUBLIC}
    assert public == {
        "GET /healthz",
        "GET /readyz",
        "GET /metrics",
        "GET /static/<path>",
        "GET /sign-in",
        "POST /sign-in",
        "POST /sign-out",
        "OPTIONS /api/uploads",
        "OPTIONS /api/uploads/<upload_id>",
        "GET /set-up",
        "POST /set-up",
    }


@pytest.mark.parametrize("name", TABLE)
def test_ones_own(site, name, monkeypatch):
    for visitor, status in statuses(name).items():
        monkeypatch.setattr(users, "throttle", users.Throttle())
        number = make(name, site.users[visitor])
        cookies = dict(site.clients[visitor].cookies)
        before = snapshot()
        answer = ask(site.clients[visitor], name, number)
        assert answer.status == status, (visitor, answer.body[:300])
        if answer.status in (401, 403, 503) or name.startswith(READS):
            assert snapshot() == before, f"{visitor} changed something with {name}"
        if visitor == "nobody" and status == 303 and not name.endswith(("sign-in", "sign-out")):
            assert (answer.header("Location") or "").startswith(("/sign-in", "/set-up"))
        site.clients[visitor].cookies = cookies


@pytest.mark.parametrize("name", WITH_OWNER)
def test_somebody_elses(site, name):
    """Foreign and missing look alike; only administrators see everybody's jobs and batches."""
    for visitor, own in statuses(name).items():
        number = make(name, site.stranger if visitor != "nobody" else site.users["member"])
        allowed = own < 400 and visitor != "nobody"
        sees = name in WITH_JOB + WITH_BATCH and visitor.startswith("admin")
        expected = own if sees or not allowed else 404
        before = snapshot()
        foreign = ask(site.clients[visitor], name, number)
        assert foreign.status == expected, (visitor, foreign.body[:300])
        if not sees:
            assert snapshot() == before, f"{visitor} changed somebody else's with {name}"
        missing = ask(site.clients[visitor], name, 10**6)
        assert missing.status == (404 if allowed else own), (visitor, missing.body[:300])
        if expected == 404:
            assert missing.body == foreign.body, "foreign and missing can be told apart"


@pytest.mark.parametrize("number", [2**63 - 1, 2**63, 10**30, -1])
def test_numbers_nothing_has(site, number):
    found = {n: ask(site.clients["admin"], n, number).status for n in WITH_OWNER}
    assert set(found.values()) == {404}


def test_a_number_too_long_to_be_one(site):
    answer = site.clients["admin"].get(f"/api/assets/{'9' * 5000}")
    assert answer.status in (404, 422)
    assert answer.json["code"]


@pytest.mark.parametrize("name", WRITES)
def test_a_write_of_a_session_needs_its_csrf_token(site, name):
    client = site.clients["admin"]
    client.sends_csrf = False
    number = make(name, site.users["admin"])
    before = snapshot()
    if BY_NAME[name].checks_csrf:
        answer = client.send(("csrf", "wrong"), ("file", "a.jpg", jpeg(1)), target="/upload")
    else:
        answer = ask(client, name, number)
    assert answer.status == 403
    assert snapshot() == before
    answer = ask(client, name, number, X_CSRF_Token="0" * 64)
    if not BY_NAME[name].checks_csrf:
        assert answer.status == 403
        assert snapshot() == before


ELSEWHERE = (
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "https://photos.home.evil.example"},
    {"Sec_Fetch_Site": "cross-site"},
    {"Sec_Fetch_Site": "same-site"},
)


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("visitor", ["nobody", "admin"])
def test_no_other_site_can_make_a_browser_write(site, name, visitor):
    number = make(name, site.users[visitor])
    before = snapshot()
    for headers in ELSEWHERE:
        answer = ask(site.clients[visitor], name, number, **headers)
        if (answer.header("Location") or "").startswith("/sign-in"):
            assert visitor == "nobody"
            assert BY_NAME[name].needs != PUBLIC
        else:
            assert answer.status in (401, 403), headers
        assert snapshot() == before


@pytest.mark.parametrize("name", WRITES)
def test_our_own_pages_can_write(site, name):
    number = make(name, site.users["admin"])
    headers = {"Origin": "http://photos.home", "Sec_Fetch_Site": "same-origin"}
    answer = ask(site.clients["admin"], name, number, **headers)
    assert answer.status == statuses(name)["admin"]


def test_head_is_get_without_a_body(site):
    client = site.clients["admin"]
    for name in (name for name in TABLE if name.startswith("GET")):
        number = make(name, site.users["admin"])
        got = ask(client, name, number)
        head = client.request("HEAD", target(BY_NAME[name], number))
        assert head.status == got.status, name
        assert head.header("Content-Type") == got.header("Content-Type"), name


def test_a_wrong_method_is_405_in_words(site):
    for name in TABLE:
        answer = site.clients["admin"].request("PROPFIND", target(BY_NAME[name], 1))
        assert answer.status == 405, name
        assert answer.json["code"] == "method_not_allowed"


def test_a_405_names_the_methods_that_are_right(site):
    """RFC 9110, 15.5.6: it must."""
    answer = site.clients["admin"].request("PROPFIND", "/api/assets/1")
    allowed = set((answer.header("Allow") or "").replace(" ", "").split(","))
    assert {"GET", "PATCH", "DELETE"} <= allowed


@pytest.mark.parametrize("token", ["", "x", "hq_", "hq_" + "A" * 43, "é", "A" * 100_000])
def test_a_token_that_is_no_good_is_refused_even_beside_a_good_session(site, token):
    client = site.clients["admin"]
    answer = client.get("/api/assets", Authorization=f"Bearer {token}")
    assert answer.status == 401
    assert answer.header("WWW-Authenticate")


@pytest.mark.parametrize("authorization", ["Basic YTpi", "hq_x", "Negotiate x y"])
def test_other_kinds_of_authorization_are_a_proxys(site, authorization):
    assert site.clients["admin"].get("/api/assets", Authorization=authorization).status == 200
    assert site.clients["nobody"].get("/api/assets", Authorization=authorization).status == 401


def test_a_token_that_is_missing_is_refused(site):
    assert site.clients["admin"].get("/api/assets", Authorization="Bearer").status == 401


def test_a_token_is_never_taken_from_the_address(site):
    token = site.clients["write"].token
    for name in ("token", "access_token", "authorization"):
        assert site.clients["nobody"].get(f"/api/assets?{name}={token}").status == 401


def test_an_expired_token_opens_nothing(app, ben):
    token = users.add_token(ben, "old", "write", 1)
    Token.update(expires_at=1.0).execute()
    assert Client(app, token=token).get("/api/assets").status == 401


def test_a_token_of_an_administrator_who_is_none_any_more(app, anna):
    client = with_token(app, anna, "admin")
    assert client.post("/api/queue/pause").status == 200
    User.update(is_admin=False).execute()
    assert client.post("/api/queue/resume").status == 403
    assert client.get("/metrics").status == 403


def test_jobs_of_the_house_are_the_administrators_to_see(site):
    chore = job("succeeded", task="check_disk")
    assert site.clients["admin"].get(f"/api/jobs/{chore.id}").status == 200
    assert site.clients["member"].get(f"/api/jobs/{chore.id}").status == 404


def test_jobs_about_a_user_are_that_users(site):
    report = job("succeeded", task="report_uploads", user=site.users["member"].id)
    assert site.clients["member"].get(f"/api/jobs/{report.id}").status == 200
    Job.update(user=site.stranger.id).execute()
    assert site.clients["member"].get(f"/api/jobs/{report.id}").status == 404


def test_figures_are_for_this_machine_without_a_token(app, house):
    assert Client(app, address="127.0.0.1").get("/metrics").status == 200
    assert Client(app, address="::1").get("/metrics").status == 200
    assert Client(app, address="192.0.2.7").get("/metrics").status == 403
    behind = Client(app, address="127.0.0.1").get("/metrics", X_Forwarded_For="203.0.113.9")
    assert behind.status == 403
