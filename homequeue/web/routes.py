"""The map of the site: every address, who may come in, and who answers."""

from functools import partial

from bottle import HTTPResponse

from homequeue.services import assets, steering
from homequeue.web import (
    accounts,
    activity,
    albums,
    backstage,
    choosing,
    dates,
    dav,
    devices,
    drops,
    duplicates,
    files,
    health,
    history,
    library,
    metrics,
    openapi,
    pages,
    queue_api,
    receipts,
    shares,
    tus,
    uploads,
)
from homequeue.web.principals import PUBLIC
from homequeue.web.route import Route
from homequeue.web.security import DAV_PATH, TUS_PATH
from homequeue.web.visits import Visit

ASSET = "/api/assets/<asset_id:id>"
ALBUM = "/api/albums/<album_id:id>"
UPLOAD = f"{TUS_PATH}/<upload_id>"
DAV = f"{DAV_PATH}<place:dav>"
JOB = "/api/jobs/<job_id:id>"
#: A drop link; its resumable uploads.
LINK = "/s/<token>"
DROPPED = f"{LINK}/uploads/<upload_id>"


def describe(visit: Visit) -> HTTPResponse:  # noqa: ARG001
    """Describe the API (OpenAPI 3.1)."""
    return openapi.describe(ROUTES)


_trash = partial(pages.change, change_asset=assets.trash, back="/", said="trashed")
_restore = partial(pages.change, change_asset=assets.restore, back="/trash", said="restored")
_purge = partial(pages.change, change_asset=library.purge, back="/trash", said="purged")

_drop = partial(uploads.post_form, show=drops.show)
_retry_failed = partial(queue_api.on_failed, act=steering.retry_all)
_dismiss_failed = partial(queue_api.on_failed, act=steering.dismiss_all)

ROUTES: tuple[Route, ...] = (
    # Anybody
    Route("GET", "/healthz", health.healthz, PUBLIC, any_host=True),
    Route("GET", "/readyz", health.readyz, PUBLIC, any_host=True),
    Route("GET", "/metrics", metrics.metrics, PUBLIC, any_host=True),
    Route("GET", "/static/<path:path>", files.static, PUBLIC),
    Route("GET", "/sign-in", accounts.show_sign_in, PUBLIC),
    Route("POST", "/sign-in", accounts.sign_in, PUBLIC),
    Route("POST", "/sign-out", accounts.sign_out, PUBLIC),
    Route("GET", "/set-up", accounts.show_set_up, PUBLIC),
    Route("POST", "/set-up", accounts.set_up, PUBLIC),
    # Pages, and their forms
    Route("GET", "/", pages.timeline, "read"),
    Route("GET", "/assets/<asset_id:id>", pages.viewer, "read"),
    Route("POST", "/assets/<asset_id:id>/trash", _trash, "write"),
    Route("POST", "/assets/<asset_id:id>/restore", _restore, "write"),
    Route("POST", "/assets/<asset_id:id>/purge", _purge, "write"),
    Route("POST", "/assets/<asset_id:id>/edit", pages.edit, "write"),
    Route("GET", "/albums", albums.show, "read"),
    Route("POST", "/albums", albums.make, "write"),
    Route("POST", "/albums/<album_id:id>/rename", albums.rename, "write"),
    Route("POST", "/albums/<album_id:id>/delete", albums.delete, "write"),
    Route("GET", "/choose", choosing.show, "read"),
    Route("POST", "/choose", choosing.act, "write"),
    Route("GET", "/upload", pages.upload, "read"),
    Route("POST", "/upload", uploads.post_form, "upload", checks_csrf=True),
    Route("POST", "/share-target", uploads.post_shared, "upload", checks_csrf=True),
    Route("GET", "/trash", pages.trash, "read"),
    Route("POST", "/trash/empty", pages.empty_trash, "write"),
    Route("POST", "/trash/restore", pages.restore_trash, "write"),
    Route("GET", "/password", accounts.show_password, "read"),
    Route("POST", "/password", accounts.change_password, "write"),
    Route("GET", "/devices", devices.show, "read"),
    Route("POST", "/devices", devices.make, "write"),
    Route("POST", "/devices/<token_id:id>/remove", devices.remove, "write"),
    Route("GET", "/activity", activity.show, "read"),
    Route("GET", "/activity/history", history.show, "read"),
    Route("GET", "/activity/machine", backstage.show, "admin"),
    Route("GET", "/jobs/<job_id:id>", history.show_job, "read"),
    Route("GET", "/dates", dates.show, "read"),
    Route("GET", "/dates/move", dates.show_move, "read"),
    Route("POST", "/dates/move", dates.begin_move, "write"),
    Route("GET", "/dates/changes", dates.show_changes, "read"),
    Route("GET", "/duplicates", duplicates.show, "read"),
    Route("GET", "/openapi.json", describe, "read"),
    # Assets
    Route("POST", "/api/assets", uploads.post_assets, "upload"),
    Route("PUT", f"{ASSET}/sidecar", library.put_sidecar, "write"),
    Route("PUT", "/api/assets", uploads.put_asset, "upload"),
    Route("PUT", "/api/assets/<filename:path>", uploads.put_asset, "upload"),
    Route("POST", "/api/assets/check", library.check_assets, "upload"),
    Route("OPTIONS", TUS_PATH, tus.options, PUBLIC),
    Route("OPTIONS", UPLOAD, tus.options, PUBLIC),
    Route("POST", TUS_PATH, tus.create, "upload"),
    Route("HEAD", UPLOAD, tus.show, "upload"),
    Route("PATCH", UPLOAD, tus.add, "upload"),
    Route("DELETE", UPLOAD, tus.terminate, "upload"),
    Route("GET", "/api/batches/<batch_id:id>", receipts.get_batch, "read"),
    Route("GET", "/batches/<batch_id:id>", receipts.show, "read"),
    Route("GET", "/api/assets", library.list_assets, "read"),
    Route("GET", ASSET, library.get_asset, "read"),
    Route("PATCH", ASSET, library.patch_asset, "write"),
    Route("DELETE", ASSET, library.delete_asset, "write"),
    Route("POST", f"{ASSET}/restore", library.restore_asset, "write"),
    Route("GET", f"{ASSET}/thumbnail", files.thumbnail, "read"),
    Route("GET", f"{ASSET}/preview", files.preview, "read"),
    Route("GET", f"{ASSET}/original", files.original, "read"),
    Route("GET", f"{ASSET}/video", files.video, "read"),
    Route("GET", f"{ASSET}/motion", files.motion, "read"),
    # Dates and duplicates
    Route("POST", "/api/assets/dates", dates.change, "write"),
    Route("GET", "/api/retimings", dates.list_changes, "read"),
    Route("POST", "/api/retimings/<retiming_id:id>/undo", dates.undo, "write"),
    Route("GET", "/api/duplicates", duplicates.list_groups, "read"),
    Route("POST", "/api/duplicates/<group_id:id>/keep", duplicates.keep, "write"),
    # Albums
    Route("GET", "/api/albums", albums.list_albums, "read"),
    Route("POST", "/api/albums", albums.make, "write"),
    Route("GET", ALBUM, albums.get_album, "read"),
    Route("PATCH", ALBUM, albums.rename, "write"),
    Route("DELETE", ALBUM, albums.delete, "write"),
    Route("POST", f"{ALBUM}/assets", albums.add, "write"),
    Route("DELETE", f"{ALBUM}/assets", albums.remove, "write"),
    # Drop links: of guests, whom the link itself lets in, and of who made them
    Route("GET", LINK, drops.show, "link"),
    Route("POST", LINK, drops.enter, "link"),
    Route("GET", f"{LINK}/upload", drops.show, "link"),
    Route("POST", f"{LINK}/upload", _drop, "drop", checks_csrf=True),
    Route("POST", f"{LINK}/uploads", tus.create, "drop"),
    Route("HEAD", DROPPED, tus.show, "drop"),
    Route("PATCH", DROPPED, tus.add, "drop"),
    Route("DELETE", DROPPED, tus.terminate, "drop"),
    Route("GET", "/api/shares", shares.list_shares, "read"),
    Route("POST", "/api/shares", shares.make_share, "write"),
    Route("DELETE", "/api/shares/<share_id:id>", shares.end_share, "write"),
    Route("GET", "/shares", shares.show, "read"),
    Route("POST", "/shares", shares.make, "write"),
    Route("POST", "/shares/<share_id:id>/end", shares.end, "write"),
    Route("GET", "/waiting", shares.show_waiting, "read"),
    Route("POST", "/waiting", shares.decide, "write"),
    # WebDAV
    Route("OPTIONS", DAV, dav.options, PUBLIC),
    *(Route(method, DAV, dav.answer, "upload") for method in dav.METHODS if method != "GET"),
    Route("GET", DAV, dav.answer, "read"),
    # The queue
    Route("GET", "/api/jobs", queue_api.list_jobs, "read"),
    Route("GET", JOB, queue_api.get_job, "read"),
    Route("POST", f"{JOB}/retry", partial(queue_api.on_job, act=steering.retry), "write"),
    Route("POST", f"{JOB}/cancel", partial(queue_api.on_job, act=steering.cancel), "write"),
    Route("POST", f"{JOB}/stop", partial(queue_api.on_job, act=steering.stop), "write"),
    Route("POST", f"{JOB}/dismiss", partial(queue_api.on_job, act=steering.dismiss), "write"),
    Route("POST", "/api/jobs/retry-failed", _retry_failed, "write"),
    Route("POST", "/api/jobs/dismiss-failed", _dismiss_failed, "write"),
    Route("POST", "/api/jobs/cancel-waiting", queue_api.cancel_waiting, "write"),
    Route("GET", "/api/queue", queue_api.get_queue, "read"),
    Route("GET", "/api/queue/history", queue_api.get_history, "admin"),
    Route("GET", "/api/queue/deeds", queue_api.list_deeds, "admin"),
    Route("POST", "/api/queue/pause", queue_api.pause_queue, "admin"),
    Route("POST", "/api/queue/resume", queue_api.resume_queue, "admin"),
    Route("POST", "/api/queue/workers", queue_api.set_workers, "admin"),
    Route("POST", "/api/queue/again", queue_api.make_again, "admin"),
    Route("POST", "/api/queue/strange/clear", queue_api.clear_strangers, "admin"),
    Route("POST", "/api/periodic/<task>/run", queue_api.run_periodic, "admin"),
    Route("POST", "/api/periodic/<task>/switch", queue_api.switch_periodic, "admin"),
)
