"""WebDAV: who may, what programs see of an inbox, and what becomes of what they send."""

import base64
import subprocess
import sys
import time
from xml.etree import ElementTree

import pytest
from peewee import OperationalError

from homequeue import config
from homequeue.errors import NoSpace, NotSignedIn, TooMany
from homequeue.incoming import Incoming
from homequeue.media import media
from homequeue.models import Asset, Deposit
from homequeue.services import deposits, users
from homequeue.web import admission
from tests.library import incoming, jpeg, snapshot
from tests.services.test_deposits import lies, take
from tests.web.client import HOST, SECRET, Answer, Client

NS = {"D": "DAV:"}


def basic(name: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()}


class Program:
    """A program that sends photos, with a name and a secret."""

    def __init__(self, app, name: str, secret: str) -> None:
        self.client = Client(app)
        self.headers = basic(name, secret)

    def ask(self, method: str, place: str, body: bytes = b"", **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.request(method, f"/dav/{place}", body=body, headers=self.headers | named)

    def names(self, place: str = "", depth: str = "1") -> list[str]:
        answer = self.ask("PROPFIND", place, Depth=depth)
        assert answer.status == 207, answer.body
        found = ElementTree.fromstring(answer.body).findall(".//D:href", NS)
        return [str(href.text) for href in found]


@pytest.fixture
def phone(app, anna) -> Program:
    """A phone of Anna's with a token that may send, and nothing else."""
    return Program(app, "Anna", users.add_token(anna, "phone", "upload", None))


@pytest.fixture
def laptop(app, anna) -> Program:
    """Anna's laptop, which has her password."""
    return Program(app, "Anna", "correct horse")


# Who may


def test_everybody_is_told_what_is_spoken_here(nobody):
    answer = nobody.request("OPTIONS", "/dav/")
    assert (answer.status, answer.header("DAV")) == (200, "1, 2")
    assert {"PROPFIND", "LOCK"} <= set((answer.header("Allow") or "").split(", "))


@pytest.mark.parametrize("path", ["/dav", "/dav/", "/dav/a.jpg"])
def test_nobody_is_asked_who_they_are(nobody, path):
    answer = nobody.request("PROPFIND", path)
    assert answer.status == 401
    assert (answer.header("WWW-Authenticate") or "").startswith('Basic realm="homequeue"')


def test_a_browser_that_is_signed_in_is_nobody_there(as_anna):
    assert as_anna.request("PROPFIND", "/dav/").status == 401
    assert as_anna.request("PUT", "/dav/a.jpg", body=jpeg(1)).status == 401
    answer = as_anna.page("/dav/")
    assert answer.status == 401
    assert answer.header("WWW-Authenticate").startswith("Basic")


@pytest.mark.parametrize("name", ["Anna", "anna", " ANNA "])
def test_a_name_with_its_token_or_password(app, anna, name):
    for secret in (users.add_token(anna, "x", "upload", None), "correct horse"):
        assert Program(app, name, secret).names() == ["/dav/"]


def test_a_bearer_token_will_do(app, anna):
    client = Client(app, token=users.add_token(anna, "x", "upload", None))
    assert client.request("PROPFIND", "/dav/").status == 207


@pytest.mark.parametrize(
    "authorization",
    [
        *(basic("Anna", secret)["Authorization"] for secret in ("", "wrong", "hq_x", "é")),
        basic("Nobody", "correct horse")["Authorization"],
        basic("", "")["Authorization"],
        "Basic",
        "Basic ====",
        "Basic \x00é",
        "Bearer hq_x",
        "Digest username=Anna",
    ],
)
def test_what_is_wrong_is_told_in_the_same_way(app, anna, authorization):
    answer = Client(app).request("PROPFIND", "/dav/", headers={"Authorization": authorization})
    assert answer.status == 401
    assert answer.header("WWW-Authenticate")


def test_a_token_goes_with_the_name_of_its_user(app, anna, ben):
    token = users.add_token(ben, "x", "write", None)
    assert Program(app, "Anna", token).ask("PROPFIND", "").status == 401
    assert Program(app, "Ben", token).ask("PROPFIND", "").status == 207


def test_a_password_is_hashed_once(laptop, monkeypatch):
    assert laptop.names() == ["/dav/"]
    hashed = []
    monkeypatch.setattr(users, "verify_password", lambda *given: hashed.append(given))
    assert laptop.names() == ["/dav/"]
    assert hashed == []


def test_a_password_that_was_changed_is_none_any_more(laptop, anna):
    assert laptop.names() == ["/dav/"]
    users.set_password(anna, "battery staple")
    assert laptop.ask("PROPFIND", "").status == 401


def test_guessing_has_to_wait_and_who_knew_goes_on(app, laptop):
    laptop.names()
    guesser = Program(app, "Anna", "wrong")
    statuses = [guesser.ask("PROPFIND", "").status for _ in range(7)]
    assert statuses[0] == 401
    assert statuses[-1] == 429
    assert laptop.names() == ["/dav/"]


def test_what_was_right_is_remembered_of_so_many(anna, monkeypatch):
    monkeypatch.setattr(users, "MOST_SEEN", 1)
    monkeypatch.setattr(users, "_seen", {})
    for name in ("Anna", "anna"):
        assert users.by_password(name, "correct horse", "x") == anna
    other = users.add("Carla", "open sesame!")
    assert users.by_password("Carla", "open sesame!", "x") == other
    assert len(users._seen) == 1


def test_elsewhere_basic_is_a_proxys_business(app, anna):
    headers = basic("Anna", "correct horse")
    assert Client(app).request("GET", "/api/assets", headers=headers).status == 401


def test_no_other_site_writes_there(laptop):
    before = snapshot()
    for headers in ({"Origin": "https://evil.example"}, {"Sec_Fetch_Site": "cross-site"}):
        assert laptop.ask("PUT", "a.jpg", jpeg(1), **headers).status == 403
    assert snapshot() == before


def test_another_name_is_refused(laptop, house, monkeypatch):
    settings = config.load(overrides={"server.url": "https://photos.example.org"})
    monkeypatch.setattr(config, "settings", lambda: settings)
    assert laptop.ask("PROPFIND", "").status == 403


def test_a_read_token_may_not_send(app, anna):
    program = Program(app, "Anna", users.add_token(anna, "x", "read", None))
    assert program.ask("PUT", "a.jpg", jpeg(1)).status == 403
    assert program.ask("DELETE", "a.jpg").status == 403


# Sending and looking


def test_what_is_put_is_there(phone, anna):
    answer = phone.ask("PUT", "IMG%201.jpg", jpeg(1))
    assert answer.status == 201
    assert answer.header("ETag")
    assert lies(anna, "IMG 1.jpg").read_bytes() == jpeg(1)
    assert phone.names() == ["/dav/", "/dav/IMG%201.jpg"]
    head = phone.ask("HEAD", "IMG%201.jpg")
    assert (head.status, head.header("Content-Length")) == (200, str(len(jpeg(1))))
    assert head.header("ETag") == answer.header("ETag")
    assert phone.ask("PUT", "IMG%201.jpg", jpeg(2)).status == 204


def test_what_is_empty_leaves_nothing_behind(phone, anna):
    for _ in range(3):
        assert phone.ask("PUT", "a.jpg", b"").status in (201, 204)
    assert phone.names() == ["/dav/", "/dav/a.jpg"]
    assert incoming() == []


def test_nothing_changes_for_the_sender_when_it_is_taken(phone, laptop, anna):
    phone.ask("PUT", "a.jpg", jpeg(1), X_OC_Mtime="1500000000")

    def shown() -> list[str | None]:
        found = ElementTree.fromstring(phone.ask("PROPFIND", "a.jpg", Depth="0").body)
        tags = ("getetag", "getcontentlength", "getlastmodified")
        head = phone.ask("HEAD", "a.jpg")
        named = ("ETag", "Content-Length", "Last-Modified", "Content-Type")
        return [found.findtext(f".//D:{tag}", "", NS) for tag in tags] + [
            head.header(name) for name in named
        ]

    before = shown()
    assert before.count("Fri, 14 Jul 2017 02:40:00 GMT") == 2
    take(anna, "a.jpg")
    assert shown() == before
    assert phone.names() == ["/dav/", "/dav/a.jpg"]
    assert laptop.ask("GET", "a.jpg").body == jpeg(1)


def test_a_token_that_may_only_send_reads_nothing_back(phone):
    phone.ask("PUT", "a.jpg", jpeg(1))
    assert phone.ask("GET", "a.jpg").status == 403
    assert phone.ask("HEAD", "a.jpg").status == 200


def test_each_sees_their_own(phone, app, ben):
    phone.ask("PUT", "a.jpg", jpeg(1))
    other = Program(app, "Ben", "battery staple")
    assert other.names() == ["/dav/"]
    assert other.ask("GET", "a.jpg").status == 404
    assert other.ask("GET", "../Anna/a.jpg").status in (400, 404)
    assert other.ask("MOVE", "a.jpg", Destination="/dav/b.jpg").status == 404


def test_locks_are_each_ones_own(laptop, app, ben):
    body = (
        b'<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>'
        b"<D:locktype><D:write/></D:locktype></D:lockinfo>"
    )
    answer = laptop.ask("LOCK", "a.jpg", body)
    assert answer.status == 201
    token = answer.header("Lock-Token")
    assert laptop.ask("PUT", "a.jpg", jpeg(1)).status == 423
    assert laptop.ask("PUT", "a.jpg", jpeg(1), If=f"({token})").status == 204
    assert Program(app, "Ben", "battery staple").ask("PUT", "a.jpg", jpeg(1)).status == 201
    assert laptop.ask("UNLOCK", "a.jpg", Lock_Token=str(token)).status == 204


def test_folders_moves_and_copies(laptop, anna):
    assert laptop.ask("MKCOL", "2026").status == 201
    assert laptop.ask("MKCOL", "2026").status == 405
    assert laptop.ask("PUT", "nowhere/a.jpg", jpeg(1)).status == 409
    assert laptop.ask("PUT", "a.jpg.part", jpeg(1)).status == 201
    url = f"http://{HOST}/dav/2026/a.jpg"
    assert laptop.ask("MOVE", "a.jpg.part", Destination=url).status == 201
    take(anna, "2026/a.jpg")
    assert laptop.ask("COPY", "2026/", Destination=f"http://{HOST}/dav/2027/").status == 201
    assert laptop.names("2027/") == ["/dav/2027/", "/dav/2027/a.jpg"]
    assert laptop.ask("DELETE", "2026/").status == 204
    assert laptop.names(depth="infinity") == ["/dav/", "/dav/2027/", "/dav/2027/a.jpg"]
    assert laptop.ask("GET", "2027/a.jpg").body == jpeg(1)
    assert laptop.ask("DELETE", "").status == 403
    assert Asset.select().count() == 1


def test_the_moment_that_windows_sets(laptop):
    laptop.ask("PUT", "a.jpg", jpeg(1))
    body = (
        b'<D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:"><D:set><D:prop>'
        b"<Z:Win32LastModifiedTime>Fri, 14 Jul 2017 02:40:00 GMT</Z:Win32LastModifiedTime>"
        b"<Z:Win32FileAttributes>00000020</Z:Win32FileAttributes></D:prop></D:set>"
        b"</D:propertyupdate>"
    )
    answer = laptop.ask("PROPPATCH", "a.jpg", body)
    assert (answer.status, b"200 OK" in answer.body) == (207, True)
    assert Deposit.get().modified_at == 1.5e9
    answer = laptop.ask("PROPPATCH", "a.jpg", body.replace(b"Fri, 14", b"no day"))
    assert b"403" in answer.body


@pytest.mark.parametrize("given", ["yesterday", "-5", "²", ""])
def test_a_moment_that_is_none_is_now(phone, given):
    phone.ask("PUT", "a.jpg", jpeg(1), X_OC_Mtime=given)
    assert abs(Deposit.get().modified_at - time.time()) < 60


@pytest.mark.parametrize("given", ["1700000000000", "9" * 25, "9" * 400, "3"])
def test_a_moment_that_cannot_be_is_not_believed(phone, anna, given):
    assert phone.ask("PUT", "a.jpg", jpeg(1), X_OC_Mtime=given).status == 201
    assert abs(Deposit.get().modified_at - time.time()) < 60
    take(anna, "a.jpg")
    assert phone.ask("HEAD", "a.jpg").status == 200


@pytest.mark.parametrize("is_folder", [True, False])
def test_a_file_that_came_another_way_may_have_any_moment(laptop, monkeypatch, is_folder):
    entry = deposits.Entry(is_folder, 1, 1e15)
    monkeypatch.setattr(deposits, "look", lambda *_: entry)
    answer = laptop.ask("PROPFIND", "a", Depth="0")
    assert answer.status == 207
    assert b"31 Dec 9999" in answer.body
    assert b"HTTP/1.1 500" not in answer.body


CHANGES = [
    ("DELETE", "scans/", ""),
    ("DELETE", "scans/a.jpg", ""),
    ("PUT", "scans/a.jpg", ""),
    ("MOVE", "scans/", "elsewhere/"),
    ("MOVE", "scans/a.jpg", "b.jpg"),
    ("MOVE", "mine.jpg", "scans/a.jpg"),
    ("COPY", "mine.jpg", "scans/a.jpg"),
    ("COPY", "mine/", "scans/"),
]


@pytest.mark.parametrize(("method", "place", "target"), CHANGES)
def test_a_token_that_may_send_changes_nothing_of_others(
    phone, laptop, anna, method, place, target
):
    phone.ask("MKCOL", "mine")
    phone.ask("MKCOL", "scans")
    for mine in ("mine.jpg", "mine/a.jpg", "mine/mine.jpg", "scans/mine.jpg"):
        assert phone.ask("PUT", mine, jpeg(1)).status == 201
    lies(anna, "scans/a.jpg").write_bytes(b"by a scanner")
    header = {"Destination": f"http://{HOST}/dav/{target}"} if target else {}
    body = jpeg(2) if method == "PUT" else b""
    answer = phone.ask(method, place, body, **header)
    assert answer.status in (403, 207), answer.body
    assert answer.status != 207 or b" 403 " in answer.body
    assert lies(anna, "scans/a.jpg").read_bytes() == b"by a scanner"
    assert lies(anna, "scans/mine.jpg").exists()
    assert laptop.ask(method, place, body, **header).status in (201, 204)


def test_a_token_that_may_send_changes_what_it_sent(phone, anna):
    assert phone.ask("PUT", "a.jpg", jpeg(1)).status == 201
    assert phone.ask("PUT", "a.jpg", jpeg(2)).status == 204
    take(anna, "a.jpg")
    assert phone.ask("PUT", "a.jpg", jpeg(3)).status == 204
    assert phone.ask("MOVE", "a.jpg", Destination=f"http://{HOST}/dav/b.jpg").status == 201
    assert phone.ask("COPY", "b.jpg", Destination=f"http://{HOST}/dav/c.jpg").status == 201
    assert phone.ask("COPY", "b.jpg", Destination=f"http://{HOST}/dav/c.jpg").status == 204
    assert phone.ask("DELETE", "b.jpg").status == 204
    # The first one was promised to be kept, and is not yet in the library.
    assert phone.names() == ["/dav/", "/dav/a%20(2).jpg", "/dav/c.jpg"]
    assert lies(anna, "a (2).jpg").read_bytes() == jpeg(1)


def test_a_part_of_a_file(laptop):
    laptop.ask("PUT", "a.jpg", b"0123456789")
    answer = laptop.ask("GET", "a.jpg", Range="bytes=2-4")
    assert (answer.status, answer.body) == (206, b"234")


@pytest.mark.parametrize("name", ["evil.html", "evil.js", "evil.svg", "evil", "a.xhtml"])
def test_no_browser_finds_a_program_there(laptop, name):
    laptop.ask("PUT", name, b"<script>alert(1)</script>")
    answer = laptop.ask("GET", name)
    assert answer.header("Content-Type") == "application/octet-stream"
    assert "sandbox" in (answer.header("Content-Security-Policy") or "")


def test_hostile_xml_is_refused(laptop):
    bomb = (
        b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
        b'<D:propfind xmlns:D="DAV:"><D:prop>&b;</D:prop></D:propfind>'
    )
    for body in (bomb, b"<", b"\xff\xfe", b"{}"):
        assert laptop.ask("PROPFIND", "", body).status == 400


def test_errors_are_plain_words(laptop):
    answer = laptop.ask("GET", "nothing.jpg")
    assert answer.status == 404
    assert answer.header("Content-Type") == "text/plain"
    assert b"<" not in answer.body


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NoSpace("The disk is full."), 507),
        (OperationalError("database is locked"), 503),
        (ZeroDivisionError("a defect"), 500),
    ],
)
def test_what_goes_wrong_is_said(laptop, monkeypatch, caplog, error, status):
    def fail(*_args):
        raise error

    monkeypatch.setattr(deposits, "put", fail)
    assert laptop.ask("PUT", "a.jpg", jpeg(1)).status == status
    assert ("A defect at /dav" in caplog.text) == (status == 500)
    assert laptop.names() == ["/dav/"]
    assert incoming() == []


# Before the body


def admit(size: int, path: str = "/dav/a.jpg", **headers: str) -> admission.Admitted:
    asked = admission.Asked("PUT", path, {"HOST": HOST} | headers, size)
    return admission.admit(asked, SECRET)


def test_a_body_is_asked_about_before_it_comes(anna, monkeypatch):
    header = {"AUTHORIZATION": basic("Anna", "correct horse")["Authorization"]}
    most, arrival = admit(1000, **header)
    assert most == config.settings().uploads.max_size
    assert isinstance(arrival.getfile(), Incoming)
    arrival.close()
    _, arrival = admit(1000, CONTENT_TYPE="multipart/form-data", **header)
    assert arrival is not None, "a file is a file, whatever it is called"
    arrival.close()
    with pytest.raises(NotSignedIn) as refused:
        admit(1000)
    assert "Basic" in refused.value.headers["WWW-Authenticate"]
    monkeypatch.setattr(media, "free_bytes", lambda: 0)
    with pytest.raises(NoSpace):
        admit(1000, **header)


def test_guesses_by_bodies_have_to_wait_whatever_the_names(anna):
    def refusal(number: int) -> type[Exception]:
        with pytest.raises((NotSignedIn, TooMany)) as refused:
            admit(10**6, AUTHORIZATION=basic(f"nobody {number}", "wrong")["Authorization"])
        return refused.type

    assert [refusal(number) for number in range(7)][::6] == [NotSignedIn, TooMany]


def test_what_the_server_received_is_moved_and_not_copied(app, anna):
    client = Client(app)
    arrived = media.receive()
    arrived.write(b"from the line")
    inode = arrived.path.stat().st_ino
    environ = client._environ(
        "PUT", "/dav/a.jpg", b"", {"Host": HOST} | basic("Anna", "correct horse"), "http"
    )
    answer = client._call(environ | {"wsgi.input": arrived, "CONTENT_LENGTH": "13"})
    assert answer.status == 201
    assert lies(anna, "a.jpg").stat().st_ino == inode
    arrived.discard()
    assert lies(anna, "a.jpg").read_bytes() == b"from the line"


def test_the_library_is_imported_when_it_is_needed():
    """It takes 6 MB, and most homes never ask for it."""
    words = "import sys, homequeue.cli.serve; print('wsgidav' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, check=True)
    assert done.stdout == b"False\n"
