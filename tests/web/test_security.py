"""The guard in front of every handler: headers, origins, names, guesses, and what defects show."""

from dataclasses import replace

import pytest
from peewee import OperationalError

from homequeue import config
from homequeue.errors import NotAllowed
from homequeue.services import assets, users
from homequeue.web import admission, files
from homequeue.web.principals import check_host, check_same_site
from homequeue.web.server.parser import Refusal
from homequeue.web.visits import local_path
from tests.library import row
from tests.web.client import HOST, SECRET, Client
from tests.web.conftest import signed_in, with_token

DIRECTIVES = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
}


def assert_secured(answer) -> None:
    policy = {part.strip() for part in (answer.header("Content-Security-Policy") or "").split(";")}
    assert policy >= DIRECTIVES
    assert "unsafe" not in answer.header("Content-Security-Policy")
    assert answer.header("X-Content-Type-Options") == "nosniff"
    assert answer.header("X-Frame-Options") == "DENY"
    assert answer.header("Referrer-Policy") == "same-origin"
    assert answer.header("Cross-Origin-Resource-Policy") == "same-origin"


@pytest.fixture
def broken(monkeypatch):
    def defect(*_args, **_values):
        raise ZeroDivisionError("a secret of the inside")

    monkeypatch.setattr(assets, "timeline", defect)


# Headers


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/healthz", 200),
        ("GET", "/sign-in", 200),
        ("GET", "/", 303),
        ("GET", "/api/assets", 401),
        ("POST", "/set-up", 403),
        ("GET", "/nowhere", 404),
        ("GET", "/api/nowhere", 404),
        ("GET", "/static/nothing.js", 404),
        ("DELETE", "/healthz", 405),
        ("PROPFIND", "/", 405),
        ("GET", "/readyz", 503),
    ],
)
def test_every_answer_is_secured(nobody, anna, method, path, status):
    answer = nobody.request(method, path)
    assert answer.status == status
    assert_secured(answer)
    if "static" not in path:
        assert answer.header("Cache-Control") == "no-store"


@pytest.mark.parametrize(
    ("scheme", "host", "policy"),
    [
        ("https", HOST, "same-origin"),
        ("http", "localhost:8420", "same-origin"),
        ("http", "127.0.0.1", "same-origin"),
        ("http", HOST, None),
        ("http", "192.168.1.5:8420", None),
        ("http", "localhost.example.org", None),
    ],
)
def test_browsers_are_told_of_windows_where_they_listen(app, anna, scheme, host, policy):
    answer = Client(app).request("GET", "/sign-in", headers={"Host": host}, scheme=scheme)
    assert answer.header("Cross-Origin-Opener-Policy") == policy


def test_a_defect_is_secured_and_tells_nothing(as_anna, broken, caplog):
    answer = as_anna.get("/api/assets")
    assert answer.status == 500
    assert_secured(answer)
    assert answer.json["code"] == "error"
    assert "secret of the inside" not in answer.text
    assert "a secret of the inside" in caplog.text


def test_a_defect_is_logged_once(as_anna, broken, caplog):
    answer = as_anna.get("/api/assets")
    assert len(caplog.records) == 1
    assert answer.errors == "", "Bottle writes the traceback past our log, over many lines"


def test_a_defect_shows_a_browser_a_page(as_anna, broken):
    answer = as_anna.page("/")
    assert answer.status == 500
    assert answer.header("Content-Type") == "text/html; charset=utf-8"
    assert "written down" in answer.text


def test_a_locked_database_is_503_and_passes(as_anna, monkeypatch):
    def locked(*_args, **_values):
        raise OperationalError("database is locked")

    monkeypatch.setattr(assets, "timeline", locked)
    answer = as_anna.get("/api/assets")
    assert answer.status == 503
    assert answer.header("Retry-After")
    assert "try again" in answer.json["error"]


def test_errors_are_pages_for_browsers_and_json_for_programs(as_anna):
    assert as_anna.page("/nowhere").header("Content-Type") == "text/html; charset=utf-8"
    assert as_anna.page("/assets/77").header("Content-Type") == "text/html; charset=utf-8"
    assert as_anna.get("/nowhere").json["code"] == "not_found"
    assert as_anna.page("/api/assets/77").json["code"] == "not_found"


def test_nothing_of_a_session_is_kept_by_caches(as_anna, anna):
    row(anna, 1)
    for path in ("/", "/assets/1", "/trash", "/upload", "/activity", "/api/assets", "/api/jobs"):
        assert as_anna.get(path).header("Cache-Control") == "no-store", path


def test_refusals_before_the_body_are_secured_too(house, anna, as_anna):
    line, headers, _ = Refusal(413, "too_large", "Too much.", {}, "/").to_response()
    assert line == "413 Request Entity Too Large"
    assert dict(headers)["Content-Security-Policy"].startswith("default-src 'none'")


# Writes from elsewhere


@pytest.mark.parametrize(
    ("origin", "site", "good"),
    [
        ("", "", True),
        ("http://photos.home", "", True),
        ("https://PHOTOS.home", "", True),
        ("", "none", True),
        ("", "same-origin", True),
        ("http://photos.home:8420", "", False),
        ("http://evil.example", "same-origin", False),
        ("http://photos.home", "cross-site", False),
        ("null", "", False),
        ("garbage", "", False),
    ],
)
def test_same_site(origin, site, good):
    if good:
        check_same_site(origin, site, HOST)
    else:
        with pytest.raises(NotAllowed):
            check_same_site(origin, site, HOST)


@pytest.mark.parametrize("origin", ["http://[::1", "http://[x]", "//", "\u00e9"])
def test_a_malformed_origin_is_refused_not_a_defect(as_anna, origin):
    assert as_anna.post("/api/queue/pause", headers={"Origin": origin}).status == 403


def test_the_csrf_token_as_a_header_or_as_a_field(as_anna):
    as_anna.sends_csrf = False
    token = as_anna.csrf
    assert as_anna.post("/api/queue/pause", form={"csrf": token}).status == 303
    assert as_anna.post("/api/queue/pause", headers={"X-CSRF-Token": token}).status == 200
    assert as_anna.post("/api/queue/pause", form={"csrf": ""}).status == 403
    assert as_anna.post("/api/queue/pause", form={"csrf": token[:-1]}).status == 403
    assert as_anna.post("/api/queue/pause", headers={"X-CSRF-Token": "\u00e9" * 64}).status == 403
    assert as_anna.post(f"/api/queue/pause?csrf={token}").status == 403


def test_a_csrf_token_of_another_session_is_worth_nothing(app, as_anna, as_ben):
    stolen = as_ben.csrf
    as_anna.sends_csrf = False
    assert as_anna.post("/api/queue/pause", form={"csrf": stolen}).status == 403


def test_a_program_needs_no_csrf_token(app, anna):
    assert with_token(app, anna, "admin").post("/api/queue/pause").status == 200


# Names we go by


@pytest.fixture
def named(app, house, monkeypatch):
    server = replace(house.server, url="https://photos.example.org")
    config.bind(replace(house, server=server))
    yield
    config.bind(house)


@pytest.mark.parametrize("host", ["192.0.2.1", "evil.example", "photos.example.org:8420", ""])
def test_other_names_are_refused_once_we_have_one(named, nobody, host):
    assert nobody.get("/sign-in", Host=host).status == 403


def test_our_own_name_is_good(named, nobody, anna):
    assert nobody.get("/sign-in", Host="photos.example.org").status == 200
    assert nobody.get("/sign-in", Host="Photos.Example.ORG").status == 200


def test_without_a_name_any_is_good(house):
    check_host("whatever")


# Where one is sent


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "evil.example",
        "",
        " //evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "/\r\nSet-Cookie: a=b",
        "\x00/",
    ],
)
def test_nobody_is_sent_elsewhere(app, anna, target):
    assert local_path(target) == "/"
    client = Client(app)
    form = {"name": "Anna", "password": "correct horse", "next": target}
    answer = client.post("/sign-in", form=form)
    assert (answer.status, answer.header("Location")) == (303, "/")
    back = client.post("/api/queue/pause", form={"next": target})
    assert back.header("Location") in ("/", "/activity")


@pytest.mark.parametrize("target", ["/trash", "/assets/5?x=1", "/?cursor=2024_1", "/Фото"])
def test_one_comes_back_to_where_one_was(app, anna, target):
    form = {"name": "Anna", "password": "correct horse", "next": target}
    answer = Client(app).post("/sign-in", form=form)
    assert (answer.header("Location") or "").encode("latin-1").decode() == target


def test_a_page_sends_nobody_to_sign_in_and_back(nobody, anna):
    answer = nobody.page("/assets/5?x=1&y=2")
    assert answer.header("Location") == "/sign-in?next=/assets/5%3Fx%3D1%26y%3D2"
    assert 'value="/assets/5?x=1&amp;y=2"' in nobody.page(answer.header("Location")).text


# Guessing


def guess(client: Client, name: str, password: str = "wrong wrong"):
    return client.post("/sign-in", form={"name": name, "password": password})


def test_an_unknown_name_and_a_wrong_password_look_alike(app, anna):
    known = guess(Client(app, address="192.0.2.1"), "Anna")
    unknown = guess(Client(app, address="192.0.2.2"), "Anne")
    assert known.status == unknown.status == 401
    assert known.text.replace("Anna", "Anne") == unknown.text
    assert {n.lower() for n, _ in known.headers} == {n.lower() for n, _ in unknown.headers}


def test_both_cost_one_hash(app, anna, monkeypatch):
    verified = []
    hasher = users._hasher

    def counting():
        verified.append(1)
        return hasher()

    guess(Client(app), "nobody yet")
    monkeypatch.setattr(users, "_hasher", counting)
    guess(Client(app), "Anna")
    known = len(verified)
    guess(Client(app), "Anne")
    assert len(verified) == 2 * known == 2


def test_too_many_guesses_have_to_wait_and_are_told_how_long(app, anna):
    client = Client(app)
    statuses = [guess(client, "Anna").status for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    answer = guess(client, "Anna", "correct horse")
    assert answer.status == 429
    assert int(answer.header("Retry-After") or 0) >= 1


def test_guesses_for_a_name_count_from_everywhere(app, anna):
    for number in range(5):
        guess(Client(app, address=f"192.0.2.{number}"), "anna ")
    assert guess(Client(app, address="198.51.100.1"), "ANNA", "correct horse").status == 429


def test_guesses_from_an_address_count_for_every_name(app, anna, ben):
    for number in range(5):
        guess(Client(app), f"name {number}")
    assert guess(Client(app), "Ben", "battery staple").status == 429
    assert guess(Client(app, address="198.51.100.1"), "Ben", "battery staple").status == 303


def test_a_stranger_cannot_change_address_by_a_header(app, anna):
    client = Client(app)
    for number in range(5):
        client.post(
            "/sign-in",
            form={"name": f"n{number}", "password": "wrong"},
            headers={"X-Forwarded-For": f"203.0.113.{number}"},
        )
    assert guess(client, "Anna", "correct horse").status == 429


def test_a_right_password_forgets_the_wrong_ones(app, anna):
    for _ in range(4):
        guess(Client(app), "Anna")
    assert guess(Client(app), "Anna", "correct horse").status == 303
    assert [guess(Client(app), "Anna").status for _ in range(5)] == [401] * 5


def test_a_guessed_set_up_code_has_to_wait_too(nobody, house):
    code = users.new_set_up_code()
    form = {"code": "0000-0000-0000", "name": "Eve", "password": "let me in!"}
    statuses = [nobody.post("/set-up", form=form).status for _ in range(6)]
    assert statuses == [403] * 5 + [429]
    answer = nobody.post("/set-up", form=form | {"code": code})
    assert answer.status == 429
    assert int(answer.header("Retry-After") or 0) >= 1


# Bodies


def admit(request: str, headers: dict[str, str], size: int) -> admission.Admitted:
    return admission.admit(admission.Asked(*request.split(" ", 1), headers, size), SECRET)


def test_a_body_is_asked_about_before_it_is_read(app, house, anna, ben):
    with pytest.raises(Exception, match="sign in"):
        admit("PUT /api/assets/a.jpg", {}, 10)
    token = {"AUTHORIZATION": f"Bearer {users.add_token(ben, 'r', 'read', None)}"}
    with pytest.raises(Exception, match="not yours"):
        admit("POST /api/assets", token, 10)
    good = {"AUTHORIZATION": f"Bearer {users.add_token(ben, 'u', 'upload', None)}"}
    admit("POST /api/assets", good, 10)
    with pytest.raises(Exception, match=r"larger than 4\.3 GB"):
        admit("POST /api/assets", good, 5 * 2**30)
    with pytest.raises(Exception, match="more than can be sent here"):
        admit("PUT /api/jobs", good, 2**21)
    with pytest.raises(Exception, match="more than can be sent here"):
        admit("POST /sign-in", {}, 17 * 1024)
    assert admit("POST /sign-in", {}, 0)[0] == 16 * 1024, "a stranger's chunks end here"
    assert admit("POST /api/assets/check", good, 2**19)[0] == 2**20
    assert admit("PUT /api/assets/7/sidecar", good, 2**19) == (2**20, None)
    with pytest.raises(Exception, match="sign in"):
        admit("POST /upload", {"COOKIE": "homequeue_session=x; bad=é\x00"}, 10)


def test_a_form_that_is_too_long_is_told_so(nobody, anna):
    answer = nobody.post("/sign-in", form={"name": "A" * 300_000, "password": "x"})
    assert answer.status == 413


@pytest.mark.parametrize("header", ["X-Filename", "Accept", "If-None-Match", "Cookie"])
def test_bytes_that_are_no_text_in_a_header_are_no_defect(as_anna, header):
    answer = as_anna.request("GET", "/api/assets", headers={header: "caf\xe9"})
    assert answer.status < 500


@pytest.mark.parametrize(
    "cookie",
    ["homequeue_session=", "homequeue_session=;;;=", "=; homequeue_session=\x7f", 'a="b'],
)
def test_a_strange_cookie_is_nobody(nobody, anna, cookie):
    assert nobody.get("/api/assets", Cookie=cookie).status == 401


# Files of the pages


@pytest.mark.parametrize(
    "path",
    [
        "../homequeue.ini",
        "css/../../setup.cfg",
        "%2e%2e/setup.cfg",
        "..%2fsetup.cfg",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "css//etc/passwd",
        "css",
        "",
        ".hidden",
        "css/.hidden",
        "a%00b",
        "a" * 300,
        "a/" * 3000,
    ],
)
def test_nothing_but_static_files_is_static(nobody, house, path):
    assert nobody.get(f"/static/{path}").status == 404


def test_the_secret_of_the_house_is_not_a_static_file(nobody, house):
    assert nobody.get(f"/static/{config.data_folder(house)}/secret").status == 404


def test_what_does_not_exist_is_not_remembered(nobody, house):
    """Or strangers could fill the memory by asking."""
    before = files._static_bytes.cache_info().currsize
    for number in range(20):
        nobody.get(f"/static/nothing-{number}.js")
    assert files._static_bytes.cache_info().currsize == before


def test_sessions_do_not_mix(app, anna, ben):
    one, two = signed_in(app, anna), signed_in(app, ben)
    row(anna, 1, filename="of-anna.jpg")
    row(ben, 2, filename="of-ben.jpg")
    assert "of-ben" not in one.get("/api/assets").text
    assert "of-anna" not in two.get("/api/assets").text
