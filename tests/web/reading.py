"""Pages as a strict reader reads them."""

import re
from html.parser import HTMLParser

EVIL = "<script>alert('x')</script>\"&.jpg"
VOID = {"meta", "link", "input", "img", "br", "hr", "use", "path", "circle", "source"}


class Page(HTMLParser):
    """Checks that tags are closed in order; collects addresses and forms."""

    def __init__(self, text: str):
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.scripts: list[dict[str, str | None]] = []
        self.problems: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.addresses += [named[n] or "" for n in ("href", "src", "action") if n in named]
        self.ids += [named["id"] or ""] if "id" in named else []
        self.problems += [n for n in named if n.startswith("on") or n == "style"]
        if tag == "script":
            self.scripts.append(named)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> closes nothing")


def checked(answer, status: int = 200) -> Page:
    assert answer.status == status, answer.text[:500]
    assert answer.header("Content-Type") == "text/html; charset=utf-8"
    assert answer.text.startswith("<!doctype html>")
    page = Page(answer.text)
    assert page.problems == []
    assert page.open == []
    assert len(page.ids) == len(set(page.ids)), "an id is there twice"
    assert all(script.get("src") for script in page.scripts), "a script stands in the page"
    assert "<style" not in answer.text
    assert "{{" not in answer.text
    assert "None" not in re.sub(r"<[^>]*>", "", answer.text)
    assert "<script>" not in answer.text
    outside = [a for a in page.addresses if re.match(r"(?!https://www\.openstreetmap)\w+:", a)]
    assert outside == []
    return page
