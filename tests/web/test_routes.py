"""Who may do what: every address, every kind of visitor, things of one's own, others' and none.

The table is written by hand. A route that is not in it fails the tests: whoever adds one says here
who may use it.
"""

import hashlib
import re
import time
from dataclasses import dataclass

import pytest
from peewee import fn

from homequeue.media import media
from homequeue.models import Asset, Guest, Job, Likeness, Share, Token, Upload, User
from homequeue.services import albums, assets, batches, retiming, shares, users
from homequeue.web.principals import COOKIE, GUEST_COOKIE, PUBLIC, identify
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
    "GET /albums": "303 200 200 403 200 200 200",
    "POST /albums": "303 303 303 403 403 303 303",
    "POST /albums/<album_id>/rename": "303 303 303 403 403 303 303",
    "POST /albums/<album_id>/delete": "303 303 303 403 403 303 303",
    "GET /choose": "303 200 200 403 200 200 200",
    "POST /choose": "303 303 303 403 403 303 303",
    "GET /upload": "303 200 200 403 200 200 200",
    "POST /upload": "303 200 200 403 403 403 403",
    "POST /share-target": "303 303 303 403 403 403 403",
    "GET /trash": "303 200 200 403 200 200 200",
    "POST /trash/empty": "303 303 303 403 403 303 303",
    "POST /trash/restore": "303 303 303 403 403 303 303",
    "GET /password": "303 200 200 403 200 200 200",
    "POST /password": "303 303 303 403 403 303 303",
    "GET /devices": "303 200 200 403 200 200 200",
    "POST /devices": "303 200 200 403 403 200 200",
    "POST /devices/<token_id>/remove": "303 303 303 403 403 303 303",
    "GET /activity": "303 200 200 403 200 200 200",
    "GET /activity/history": "303 200 200 403 200 200 200",
    "GET /activity/machine": "303 403 200 403 403 403 200",
    "GET /jobs/<job_id>": "303 200 200 403 200 200 200",
    "GET /dates": "303 200 200 403 200 200 200",
    "GET /dates/move": "303 200 200 403 200 200 200",
    "POST /dates/move": "303 303 303 403 403 303 303",
    "GET /dates/changes": "303 200 200 403 200 200 200",
    "GET /duplicates": "303 200 200 403 200 200 200",
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
    "PUT /api/assets/<asset_id>/sidecar": "401 204 204 403 403 204 204",
    "DELETE /api/assets/<asset_id>": "401 204 204 403 403 204 204",
    "POST /api/assets/<asset_id>/restore": "401 200 200 403 403 200 200",
    "GET /api/assets/<asset_id>/thumbnail": "401 200 200 403 200 200 200",
    "GET /api/assets/<asset_id>/preview": "401 200 200 403 200 200 200",
    "GET /api/assets/<asset_id>/original": "401 200 200 403 200 200 200",
    "GET /api/assets/<asset_id>/video": "401 200 200 403 200 200 200",
    "GET /api/assets/<asset_id>/motion": "401 200 200 403 200 200 200",
    # Dates and duplicates
    "POST /api/assets/dates": "401 200 200 403 403 200 200",
    "GET /api/retimings": "401 200 200 403 200 200 200",
    "POST /api/retimings/<retiming_id>/undo": "401 200 200 403 403 200 200",
    "GET /api/duplicates": "401 200 200 403 200 200 200",
    "POST /api/duplicates/<group_id>/keep": "401 200 200 403 403 200 200",
    # Albums
    "GET /api/albums": "401 200 200 403 200 200 200",
    "POST /api/albums": "401 201 201 403 403 201 201",
    "GET /api/albums/<album_id>": "401 200 200 403 200 200 200",
    "PATCH /api/albums/<album_id>": "401 200 200 403 403 200 200",
    "DELETE /api/albums/<album_id>": "401 204 204 403 403 204 204",
    "POST /api/albums/<album_id>/assets": "401 200 200 403 403 200 200",
    "DELETE /api/albums/<album_id>/assets": "401 200 200 403 403 200 200",
    # Drop links: for whoever has the right one and has not come in by it
    "GET /s/<token>": "200 200 200 200 200 200 200",
    "POST /s/<token>": "303 303 303 303 303 303 303",
    "GET /s/<token>/upload": "200 200 200 200 200 200 200",
    "POST /s/<token>/upload": "403 403 403 403 403 403 403",
    "POST /s/<token>/uploads": "403 403 403 403 403 403 403",
    "HEAD /s/<token>/uploads/<upload_id>": "403 403 403 403 403 403 403",
    "PATCH /s/<token>/uploads/<upload_id>": "403 403 403 403 403 403 403",
    "DELETE /s/<token>/uploads/<upload_id>": "403 403 403 403 403 403 403",
    "GET /api/shares": "401 200 200 403 200 200 200",
    "POST /api/shares": "401 201 201 403 403 201 201",
    "DELETE /api/shares/<share_id>": "401 204 204 403 403 204 204",
    "GET /shares": "303 200 200 403 200 200 200",
    "POST /shares": "303 200 200 403 403 200 200",
    "POST /shares/<share_id>/end": "303 303 303 403 403 303 303",
    "GET /waiting": "303 200 200 403 200 200 200",
    "POST /waiting": "303 303 303 403 403 303 303",
    # WebDAV, where cookies count for nothing
    "OPTIONS /dav<place>": "200 200 200 200 200 200 200",
    "PROPFIND /dav<place>": "401 401 401 404 403 404 404",
    "HEAD /dav<place>": "401 401 401 404 403 404 404",
    "GET /dav<place>": "401 401 401 403 404 404 404",
    "PUT /dav<place>": "401 401 401 201 403 204 201",
    "MKCOL /dav<place>": "401 401 401 201 403 405 201",
    "MOVE /dav<place>": "401 401 401 404 403 404 404",
    "COPY /dav<place>": "401 401 401 404 403 404 404",
    "DELETE /dav<place>": "401 401 401 404 403 404 404",
    "PROPPATCH /dav<place>": "401 401 401 404 403 404 404",
    "LOCK /dav<place>": "401 401 401 400 403 400 400",
    "UNLOCK /dav<place>": "401 401 401 404 403 404 404",
    # The queue
    "GET /api/jobs": "401 200 200 403 200 200 200",
    "GET /api/jobs/<job_id>": "401 200 200 403 200 200 200",
    "POST /api/jobs/<job_id>/retry": "401 200 200 403 403 200 200",
    "POST /api/jobs/<job_id>/cancel": "401 200 200 403 403 200 200",
    "POST /api/jobs/<job_id>/stop": "401 200 200 403 403 200 200",
    "POST /api/jobs/<job_id>/dismiss": "401 200 200 403 403 200 200",
    "POST /api/jobs/retry-failed": "401 200 200 403 403 200 200",
    "POST /api/jobs/dismiss-failed": "401 200 200 403 403 200 200",
    "POST /api/jobs/cancel-waiting": "401 422 422 403 403 422 422",
    "GET /api/queue/deeds": "401 403 200 403 403 403 200",
    "GET /api/queue/history": "401 403 200 403 403 403 200",
    "POST /api/queue/workers": "401 403 200 403 403 403 200",
    "POST /api/queue/again": "401 403 200 403 403 403 200",
    "POST /api/queue/strange/clear": "401 403 200 403 403 403 200",
    "POST /api/periodic/<task>/run": "401 403 200 403 403 403 200",
    "POST /api/periodic/<task>/switch": "401 403 200 403 403 403 200",
    "GET /openapi.json": "401 200 200 403 200 200 200",
    "GET /api/queue": "401 200 200 403 200 200 200",
    "POST /api/queue/pause": "401 403 200 403 403 403 200",
    "POST /api/queue/resume": "401 403 200 403 403 403 200",
}

#: What a guest may do by their link; everywhere else they are nobody.
GUEST = {
    "GET /s/<token>": 200,
    "POST /s/<token>": 303,
    "GET /s/<token>/upload": 200,
    "POST /s/<token>/upload": 200,
    "POST /s/<token>/uploads": 201,
    "HEAD /s/<token>/uploads/<upload_id>": 200,
    "PATCH /s/<token>/uploads/<upload_id>": 204,
    "DELETE /s/<token>/uploads/<upload_id>": 204,
}
#: Forms of files.
FORMS = ("POST /upload", "POST /share-target", "POST /s/<token>/upload")
#: The token of a link of Carla's.
TOKEN = "t" * 43

BY_NAME = {f"{r.method} {re.sub(':[a-z]+>', '>', r.path)}": r for r in ROUTES}
WITH_ASSET = [name for name in TABLE if "asset_id" in name]
WITH_JOB = [name for name in TABLE if "job_id" in name]
WITH_BATCH = [name for name in TABLE if "batch_id" in name]
WITH_ALBUM = [name for name in TABLE if "album_id" in name]
WITH_TOKEN = [name for name in TABLE if "token_id" in name]
WITH_SHARE = [name for name in TABLE if "share_id" in name]
WITH_RETIMING = [name for name in TABLE if "retiming_id" in name]
WITH_GROUP = [name for name in TABLE if "group_id" in name]
WITH_UPLOAD = [
    name for name in TABLE if "upload_id" in name and not name.startswith(("OPTIONS", *GUEST))
]
WITH_OWNER = WITH_ASSET + WITH_JOB + WITH_BATCH + WITH_ALBUM + WITH_UPLOAD + WITH_SHARE + WITH_TOKEN
WITH_OWNER += WITH_RETIMING + WITH_GROUP
#: Where whoever has a session is nobody.
WITHOUT_COOKIES = [name for name in TABLE if "/dav" in name]
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
    shares.make(carla, shares.Terms("Party"))
    Share.update(digest=users.digest(TOKEN)).execute()
    clients = {
        "nobody": Client(app),
        "member": signed_in(app, ben),
        "admin": signed_in(app, anna),
        "upload": with_token(app, ben, "upload"),
        "read": with_token(app, ben, "read"),
        "write": with_token(app, ben, "write"),
        "admin token": with_token(app, anna, "admin"),
    }
    # That one was used is written down once an hour at most, and these have been.
    Token.update(used_at=time.time()).execute()
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
    if name.endswith("/motion"):
        kind = {"motion": '{"at": 3, "size": 5}'}
    return whole(owner, next(_numbers), trashed_at=trashed, **kind).id


def new_job(owner: User, name: str) -> int:
    asset = whole(owner, next(_numbers))
    ended = "retry" in name or "dismiss" in name
    return job("failed" if ended else "queued", asset=asset.id, args=f"[{asset.id}]").id


def target(route: Route, number: int) -> str:
    path = re.sub(
        r"<(asset|job|batch|album|share|token|retiming|group)_id:\w+>", str(number), route.path
    )
    path = path.replace("<upload_id>", f"{number:032x}")
    path = path.replace("<filename:path>", "a.jpg").replace("<task>", "check_disk")
    path = path.replace("<place:dav>", "/a.jpg")
    return path.replace("<path:path>", "css/app.css").replace("<token>", TOKEN)


def password(client: Client) -> str:
    """The password of a visitor, as the fixtures have it."""
    bearer = f"Bearer {client.token}" if client.token else ""
    user = identify(bearer, client.cookies.get(COOKIE, "")).user
    return {"Anna": "correct horse", "Ben": "battery staple"}[user.name] if user else ""


def ask(client: Client, name: str, number: int = 0, **headers: str):
    """A request to the route that makes sense."""
    route = BY_NAME[name]
    path = target(route, number)
    if name == "POST /share-target" and "Origin" not in headers:
        headers = {"Sec_Fetch_Site": "none"} | headers
    if name in (*FORMS, "POST /api/assets"):
        csrf = ("csrf", client.csrf)
        photo = ("file", "a.jpg", jpeg(next(_numbers)))
        return client.send(csrf, photo, target=path, **headers)
    if name.endswith("/sidecar"):
        return client.request("PUT", path, body=b"<rdf:RDF/>", headers=dashed(headers))
    if name.startswith("PUT"):
        return client.request("PUT", path, body=jpeg(next(_numbers)), headers=dashed(headers))
    options: dict = {"headers": TUS | dashed(headers)}
    if name.startswith("PATCH") and "/uploads/" in name:
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
    elif name == "POST /api/shares":
        options["json"] = {"title": "Party"}
    elif name == "POST /shares":
        options["form"] = {"title": "Party", "days": "7", "max_files": "9", "max_gb": "1"}
    elif name == "POST /devices":
        options["form"] = {"name": "My phone", "days": "366"}
    elif name == "POST /choose":
        options["form"] = {"do": "trash", "id": str(number)}
    elif name == "POST /waiting":
        options["form"] = {"do": "yes-chosen"}
    elif name.endswith("/switch"):
        options["json"] = {"on": True}
    elif name.endswith("/api/albums/<album_id>/assets"):
        options["json"] = {"ids": [Asset.select(fn.MAX(Asset.id)).scalar() or 1]}
    elif "albums" in name and not name.startswith(("GET", "DELETE")):
        title = {"title": f"Album {next(_numbers)}"}
        options["json" if "/api/" in name else "form"] = title
    elif name == "POST /api/assets/dates":
        options["json"] = {"ids": [number], "right": True}
    elif name in WITH_GROUP:
        options["json"] = {"keep": "all"}
    elif name.startswith("PATCH"):
        options["json"] = {"favorite": True}
    return client.request(route.method, path, **options)


def new_upload(owner: User, guest: Guest | None = None) -> int:
    number = next(_numbers)
    upload = Upload(id=f"{number:032x}", user=owner, guest=guest, size=2000)
    upload.save(force_insert=True)
    media.begin_resumable(upload.id)
    return number


def make(name: str, owner: User) -> int:
    if name.endswith("/run"):  # what waits already is not started once more
        Job.delete().where(Job.task == "check_disk").execute()
    if name in WITH_UPLOAD:
        return new_upload(owner)
    if name in WITH_TOKEN:
        users.add_token(owner, "phone", "upload", 1)
        return int(Token.select(fn.MAX(Token.id)).scalar())
    if name in WITH_SHARE:
        return int(shares.make(owner, shares.Terms("Picnic"))[0].id)
    if name in WITH_ALBUM:
        new_asset(owner, name)
        return int(albums.named(owner, f"Album {next(_numbers)}").id)
    if name in WITH_BATCH:
        return batches.begin("upload", owner)
    if name in WITH_RETIMING:
        photos = assets.Filter(ids=(new_asset(owner, name),))
        return int(retiming.apply(owner, photos, retiming.Distance(days=1), "moved").id)
    if name in WITH_GROUP:
        alike = [new_asset(owner, name) for _ in range(2)]
        Likeness.insert_many(
            {"asset": n, "owner": owner, "group": alike[0]} for n in alike
        ).execute()
        return alike[0]
    if name in WITH_ASSET or name in ("POST /api/assets/dates", "POST /choose"):
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
        "OPTIONS /dav<place>",
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
        if visitor == "nobody" and status == 303 and not name.endswith(("-in", "-out", "<token>")):
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


@pytest.fixture
def guest(site) -> Client:
    """A guest of Carla's; a browser sends their cookie only below the link, this one always."""
    share = Share.get()
    return Client(site.clients["nobody"].app, cookies={GUEST_COOKIE: shares.welcome(share, "Rita")})


@pytest.mark.parametrize("name", TABLE)
def test_a_guest_is_nobody_but_below_their_link(site, guest, name, monkeypatch):
    monkeypatch.setattr(users, "throttle", users.Throttle())
    if name in GUEST:
        number = new_upload(site.stranger, Guest.get())
        assert ask(guest, name, number).status == GUEST[name]
        return
    number = make(name, site.stranger)
    before = snapshot()
    answer = ask(guest, name, number)
    assert answer.status == statuses(name)["nobody"], answer.body[:300]
    if answer.status in (401, 403):
        assert snapshot() == before


@pytest.mark.parametrize("name", [name for name in GUEST if "upload_id" in name])
def test_uploads_of_others_are_not_a_guests(site, guest, name):
    other = shares.guest(Share.get(), shares.welcome(Share.get(), "Otto"))
    elsewhere, _ = shares.make(site.stranger, shares.Terms("Picnic"))
    of_elsewhere = shares.guest(elsewhere, shares.welcome(elsewhere, ""))
    answers = [
        ask(guest, name, number)
        for number in (
            10**6,
            new_upload(site.stranger),
            new_upload(site.users["member"]),
            new_upload(site.stranger, other),
            new_upload(site.stranger, of_elsewhere),
        )
    ]
    assert {answer.status for answer in answers} == {404}
    assert len({answer.body for answer in answers}) == 1, "foreign and missing can be told apart"


@pytest.mark.parametrize("name", [name for name in GUEST if name.startswith(("POST", "PATCH"))])
def test_a_write_of_a_guest_needs_their_csrf_token(site, guest, name):
    number = new_upload(site.stranger, Guest.get())
    token = guest.csrf
    guest.sends_csrf = False
    before = snapshot()
    if BY_NAME[name].checks_csrf:
        wrong = ("csrf", "wrong"), ("file", "a.jpg", jpeg(1))
        answer = guest.send(*wrong, target=target(BY_NAME[name], number))
    else:
        answer = ask(guest, name, number)
    assert answer.status == 403
    assert snapshot() == before
    assert ask(guest, name, number, X_CSRF_Token=token).status == GUEST[name]


@pytest.mark.parametrize("name", GUEST)
def test_a_wrong_link_opens_nothing(site, guest, name, monkeypatch):
    monkeypatch.setattr("tests.web.test_routes.TOKEN", "w" * 43)
    before = snapshot()
    for client in (guest, site.clients["admin"]):
        answer = ask(client, name, new_upload(site.stranger, Guest.get()) and 1)
        assert answer.status == 404
        assert answer.header("Referrer-Policy") == "no-referrer"
    del before["Upload"]
    assert {kind: rows for kind, rows in snapshot().items() if kind != "Upload"} == before


@pytest.mark.parametrize("number", [2**63 - 1, 2**63, 10**30, -1])
def test_numbers_nothing_has(site, number):
    found = {n: ask(site.clients["admin"], n, number).status for n in WITH_OWNER}
    assert set(found.values()) == {404}


def test_a_number_too_long_to_be_one(site):
    answer = site.clients["admin"].get(f"/api/assets/{'9' * 5000}")
    assert answer.status in (404, 422)
    assert answer.json["code"]


@pytest.mark.parametrize(
    "name", [name for name in WRITES if name not in [*GUEST, *WITHOUT_COOKIES]]
)
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
        answer = site.clients["admin"].request("TRACE", target(BY_NAME[name], 1))
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
