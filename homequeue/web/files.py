"""Bytes: originals, renditions and static files, with ETag, Range and 304 (RFC 9110)."""

import hashlib
import json
import mimetypes
import os
import re
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from bottle import HTTPResponse, parse_range_header

from homequeue.errors import NotFound
from homequeue.media import media
from homequeue.models import Asset
from homequeue.services import assets, conversion
from homequeue.web import films
from homequeue.web.visits import Visit, as_json

IMMUTABLE = "private, max-age=31536000, immutable"
#: A file somebody sent must not be able to do anything when it is opened as a page.
SANDBOX = "default-src 'none'; sandbox; frame-ancestors 'none'"
AS_IT_CAME = {"Content-Security-Policy": SANDBOX, "Cache-Control": "private, no-cache"}
RANGES = re.compile(r"bytes=\s*(\d+-\d*|-\d+)(\s*,\s*(\d+-\d*|-\d+))*")
STATIC_CACHE = "public, max-age=31536000, immutable"


def thumbnail(visit: Visit, asset_id: int) -> HTTPResponse:
    """Send the thumbnail."""
    return _rendition(visit, asset_id, "thumbnail")


def preview(visit: Visit, asset_id: int) -> HTTPResponse:
    """Send the preview."""
    return _rendition(visit, asset_id, "preview")


def original(visit: Visit, asset_id: int) -> HTTPResponse:
    """Send the original, byte for byte, under the name it came with."""
    asset = assets.get(visit.user, asset_id)
    kind = "attachment" if visit.flag("download") else "inline"
    ascii_name = "".join(c if " " <= c <= "~" and c not in '"\\' else "_" for c in asset.filename)
    named = f"{kind}; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(asset.filename, safe='')}"
    headers = {"Content-Disposition": named} | AS_IT_CAME
    return _send(visit, asset.path, asset.size, asset.mime, asset.checksum, headers)


def video(visit: Visit, asset_id: int) -> HTTPResponse:
    """Send a video in a form that browsers play: as it came, or converted."""
    asset = assets.get(visit.user, asset_id)
    if asset.kind != assets.VIDEO:
        raise NotFound("This is not a video.")
    if asset.playable:
        mime = films.PLAYED_AS.get(asset.mime, asset.mime)
        return _send(visit, asset.path, asset.size, mime, asset.checksum, AS_IT_CAME)
    return _converted(visit, asset, films.CANNOT)


def motion(visit: Visit, asset_id: int) -> HTTPResponse:
    """Send the clip of a photo: of a motion photo out of its file, of a Live Photo its video."""
    asset = assets.get(visit.user, asset_id)
    if asset.motion is None or asset.kind == assets.VIDEO:
        if asset.is_clip:
            raise NotFound("This is a clip itself.")
        return video(visit, assets.partner(asset).id)
    if not conversion.is_played(asset):
        return _converted(visit, asset, films.CANNOT_CLIP)
    place = json.loads(asset.motion)
    at, size = place["at"], place["size"]
    with media.open(asset.path) as file:
        if at < 0 or size < 0 or at + size > os.fstat(file.fileno()).st_size:
            raise NotFound("The clip of this photo is not in its original any more.")
    tag = f"{asset.checksum}-{at}"
    return _send(visit, asset.path, size, "video/mp4", tag, AS_IT_CAME, at)


def _converted(visit: Visit, asset: Asset, words: str) -> HTTPResponse:
    """Send what was made of what browsers do not play; `words` for that there will be none."""
    spec = conversion.spec_of(asset)
    is_made = assets.rendition(asset, spec) is not None
    if asset.state == assets.READY and not is_made and not films.is_coming(asset):
        raise NotFound(words)
    return _rendition(visit, asset.id, spec)


def static(visit: Visit, path: str) -> HTTPResponse:
    """Send a file of the pages: a style sheet, a script, an icon."""
    # Looked up, never joined to a folder: an address can name nothing but these files.
    if path not in _static_files():
        raise NotFound("There is no such file.")
    data = _static_bytes(path)
    etag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": STATIC_CACHE}
    if not visit.query("v"):
        # Modules import each other without the version: they ask whether there is a newer one.
        headers["Cache-Control"] = "public, no-cache"
    if _matches(visit, etag):
        return HTTPResponse(status=304, headers=headers)
    kind = TYPES.get(path.rpartition(".")[2]) or mimetypes.guess_type(path)[0]
    return HTTPResponse(
        data, headers={**headers, "Content-Type": kind or "application/octet-stream"}
    )


TYPES = {
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "webmanifest": "application/manifest+json",
}


@cache
def _static_files() -> dict[str, Path]:
    """Return the static files: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parent.parent
    root = next(p / "static" for p in (package, package.parent) if (p / "static").is_dir())
    return {path.relative_to(root).as_posix(): path for path in root.rglob("[!.]*.*")}


@cache
def _static_bytes(path: str) -> bytes:
    return _static_files()[path].read_bytes()


def _rendition(visit: Visit, asset_id: int, spec: str) -> HTTPResponse:
    asset = assets.get(visit.user, asset_id)
    made = assets.rendition(asset, spec)
    if made is None and asset.state == assets.FAILED:
        raise NotFound(asset.error or "There is no picture of this photo.")
    if made is None:
        return as_json({"state": asset.state}, 202, Retry_After="1")
    headers = {"Cache-Control": IMMUTABLE}
    return _send(visit, made.path, made.size, made.mime, made.checksum, headers)


def _send(
    visit: Visit,
    path: str,
    size: int,
    mime: str,
    checksum: str,
    headers: dict[str, str],
    begin: int = 0,
) -> HTTPResponse:
    """Answer with a file, or with `size` bytes of it that begin somewhere, or a range of those."""
    etag = f'"{checksum}"'
    headers = {**headers, "ETag": etag, "Accept-Ranges": "bytes", "Content-Type": mime}
    if _matches(visit, etag):
        return HTTPResponse(status=304, headers=headers)
    start, end, status = 0, size, 200
    wanted = visit.header("Range")
    # What we do not understand is to be ignored (RFC 9110, 14.2).
    if RANGES.fullmatch(wanted) and visit.header("If-Range") in ("", etag):
        ranges = list(parse_range_header(wanted, size))
        if not ranges:
            return HTTPResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
        if len(ranges) == 1:
            (start, end), status = ranges[0], 206
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    headers["Content-Length"] = str(end - start)
    body: Any = b""
    if visit.request.method != "HEAD":
        body = _body(visit, media.open(path), begin + start, end - start)
    return HTTPResponse(body, status=status, headers=headers)


def _body(visit: Visit, file: BinaryIO, start: int, length: int) -> Any:
    file.seek(start)
    # The server sends from the file itself, as many bytes as Content-Length says, and no thread
    # waits for it: but only a file as it is, which Bottle wraps for it.
    if "wsgi.file_wrapper" in visit.request.environ:
        return file
    with file:
        return file.read(length)


def _matches(visit: Visit, etag: str) -> bool:
    given = [text.strip().removeprefix("W/") for text in visit.header("If-None-Match").split(",")]
    return etag in given or given == ["*"]
