"""A client that speaks WSGI with the application: cookies, forms, uploads, no network."""

import io
import json as jsonlib
import re
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import unquote, urlencode

from homequeue.web.principals import COOKIE, GUEST_COOKIE, Principal, csrf_token
from homequeue.web.security import HEADERS

HOST = "photos.home"
#: The secret of the application under test.
SECRET = b"the secret of the tests, 32 bytes"[:32]


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    errors: str = ""

    def header(self, name: str) -> str | None:
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(found) <= 1, f"{name} is there {len(found)} times"
        return found[0] if found else None

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        assert (self.header("Content-Type") or "").startswith("application/json"), self.body[:200]
        return jsonlib.loads(self.body)


@dataclass
class Client:
    """A browser with a jar, or a program with a token."""

    app: Any
    token: str = ""
    address: str = "192.0.2.7"
    cookies: dict[str, str] = field(default_factory=dict)
    #: Send the CSRF header with writes, as our scripts do.
    sends_csrf: bool = True

    @property
    def csrf(self) -> str:
        session = self.cookies.get(COOKIE) or self.cookies.get(GUEST_COOKIE, "")
        return csrf_token(Principal(session=session), SECRET)

    def request(
        self,
        method: str,
        target: str,
        *,
        body: bytes = b"",
        json: Any = None,
        form: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        scheme: str = "http",
    ) -> Answer:
        own = {"Host": HOST}
        if json is not None:
            body, own["Content-Type"] = jsonlib.dumps(json).encode(), "application/json"
        if form is not None:
            body = urlencode(form).encode()
            own["Content-Type"] = "application/x-www-form-urlencoded"
        if self.token:
            own["Authorization"] = f"Bearer {self.token}"
        if self.cookies:
            own["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if self.sends_csrf and self.csrf and method not in ("GET", "HEAD"):
            own["X-CSRF-Token"] = self.csrf
        environ = self._environ(method, target, body, own | (headers or {}), scheme)
        answer = self._call(environ)
        self._remember(answer)
        self._check(answer, method)
        return answer

    def get(self, target: str, **headers: str) -> Answer:
        return self.request("GET", target, headers=dashed(headers))

    def page(self, target: str) -> Answer:
        """Ask as a browser does for a page."""
        return self.request("GET", target, headers={"Accept": "text/html,*/*;q=0.8"})

    def post(self, target: str, **options: Any) -> Answer:
        return self.request("POST", target, **options)

    def send(self, *parts: Any, target: str = "/api/assets", **headers: str) -> Answer:
        """Post a multipart form; see `multipart`."""
        kind, body = multipart(*parts)
        own = {"Content-Type": kind} | dashed(headers)
        return self.request("POST", target, body=body, headers=own)

    def put_raw(self, data: bytes, filename: str = "raw.jpg", **headers: str) -> Answer:
        """Post a raw body, as `curl -T` or a phone's shortcut does; `filename` goes as it is."""
        own = {"Content-Type": "image/jpeg", "X-Filename": filename} | dashed(headers)
        return self.request("POST", "/api/assets", body=data, headers=own)

    def _environ(
        self, method: str, target: str, body: bytes, headers: dict[str, str], scheme: str
    ) -> dict[str, Any]:
        path, _, query = target.partition("?")
        environ = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(path, "latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8420",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": self.address,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": scheme,
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in headers.items():
            key = name.upper().replace("-", "_")
            environ[key if key.startswith("CONTENT_") else f"HTTP_{key}"] = value
        return environ

    def _call(self, environ: dict[str, Any]) -> Answer:
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            started.append((status, headers))
            return None

        result = self.app(environ, start)
        try:
            body = b"".join(result)
        finally:
            getattr(result, "close", lambda: None)()
        status, headers = started[-1]
        return Answer(int(status[:3]), headers, body, environ["wsgi.errors"].getvalue())

    def _remember(self, answer: Answer) -> None:
        for name, value in answer.headers:
            if name.lower() == "set-cookie":
                for key, morsel in SimpleCookie(value).items():
                    self.cookies[key] = morsel.value
                    if not morsel.value:
                        del self.cookies[key]

    def _check(self, answer: Answer, method: str) -> None:
        """What holds for every answer there is."""
        for name, _ in HEADERS:
            assert answer.header(name), f"{name} is missing"
        assert answer.header("Cache-Control")
        for name, value in answer.headers:
            value.encode("latin-1")
            assert not re.search(r"[\x00-\x1f\x7f]", value), (name, value)
        if method == "HEAD" or answer.status in (204, 304):
            assert answer.body == b""
        elif answer.header("Content-Length") is not None:
            assert int(answer.header("Content-Length") or 0) == len(answer.body)


def multipart(*parts: Any) -> tuple[str, bytes]:
    """Content type and body of a form: (field, value) and (field, filename, data) tuples."""
    boundary = "----tests9f8e7d6c5b4a"
    body = b""
    for part in parts:
        named = f'name="{part[0]}"'
        if len(part) == 3:
            named += f'; filename="{part[1]}"'
        value = part[-1].encode() if isinstance(part[-1], str) else part[-1]
        head = f"--{boundary}\r\nContent-Disposition: form-data; {named}\r\n\r\n"
        body += head.encode() + value + b"\r\n"
    return f"multipart/form-data; boundary={boundary}", body + f"--{boundary}--\r\n".encode()


def csrf_fields(answer: Answer) -> list[str]:
    """The CSRF tokens of all forms of a page."""
    return re.findall(r'name="csrf" value="([^"]*)"', answer.text)


def dashed(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
