"""Conversion: make of a video that browsers do not play one that they do, with ffmpeg.

The clip of a motion photo is such a video too.
"""

import hashlib
import json
import os
import re
import resource
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from io import BufferedRandom
from typing import IO, Any, BinaryIO, cast

from homequeue import config, ledger, processes, runs
from homequeue.errors import HomequeueError, NoSpace
from homequeue.incoming import storage_errors
from homequeue.media import media
from homequeue.models import Asset, Job, Rendition
from homequeue.services import assets, colour, ingest, motion, notify, sandbox, video
from homequeue.services.sandbox import ChildFailed
from homequeue.services.video import Film

#: The spec of the rendition, that of one made of a photo's clip, and the task that makes them.
SPEC, CLIP, TASK = "video", "motion", "convert_video"
#: The long edge of what is made, in pixels.
EDGE = 1920
#: Bits a second that the pictures may take, on average.
MOST_BITS = 8_000_000
#: A file may exceed what these amount to by this factor, and by so many bytes of tables.
SPILL, TABLES = 1.25, 16 << 20
#: Steps along each axis of the table that brings HDR to the colours of any screen.
STEPS = 25
#: Half of the machine: people are waiting for the other half.
THREADS = max(1, (os.cpu_count() or 1) // 2)
#: Lines that ffmpeg complains with that are kept, and characters of one.
MOST_LINES, LONGEST_LINE = 5, 1000
#: How ffmpeg says how far it is.
PROGRESS = re.compile(r"\w+= *\S*$")
NO_RESULT = "ffmpeg could not convert this video."
TOO_LARGE = "What was made of it became larger than it may be."
#: Bytes of a clip that are copied at once.
PIECE = 1 << 20


def is_wanted(asset_id: int) -> bool:
    """Tell whether an asset is a video that is to be converted, or has one, and it has not been."""
    options = config.settings().video
    asset: Asset | None = Asset.get_or_none(Asset.id == asset_id)
    if asset is None or not options.convert or is_played(asset):
        return False
    # A photo is shown all the same: that there is no ffmpeg is no failure of its job.
    if asset.kind != assets.VIDEO and not video.is_possible():
        return False
    made = assets.rendition(asset, spec_of(asset))
    is_made = made is not None and media.exists(made.path)
    return not is_made and (asset.duration or 0.0) <= options.longest


def is_played(asset: Asset) -> bool:
    """Tell whether browsers play a video, or the clip in a photo, as it is; true without either."""
    if asset.kind == assets.VIDEO:
        return asset.playable
    return asset.motion is None or motion.is_played(json.loads(asset.motion))


def spec_of(asset: Asset) -> str:
    """Return the spec of what is made of an asset: of a video, or of the clip in a photo."""
    return SPEC if asset.kind == assets.VIDEO else CLIP


def latest(asset: Asset) -> Job | None:
    """Return the job that converts a video, or did so last; None if there is none."""
    mine = Job.select().where(Job.asset == asset.id, Job.task == TASK)
    found: Job | None = mine.order_by(Job.id.desc()).first()
    return found


def convert(asset_id: int, report: Callable[[int], object]) -> None:
    """Convert a video and keep the result beside its pictures; `report` defers telling its owner.

    It is written under a name of its own and renamed when it is whole, so a conversion that was
    stopped, however hard, leaves nothing that anybody could see.
    """
    if not is_wanted(asset_id):
        return
    video.check_possible()
    asset: Asset = Asset.get_by_id(asset_id)
    runs.report("Looking into the video")
    folder = f"{asset.id % 256:02x}"
    with _source(asset) as source, media.new_rendition(folder) as target:
        film = _look(source)
        most = _most_bytes(film, asset.size)
        # Few come near the most they may be, and while it grows the disk is watched.
        ingest.check_room(min(most, 2 * asset.size + TABLES))
        runs.report("Converting the video", 0.0)
        _run(film, most, source, target)
        row = _keep(asset, folder, target)
    with ledger.finishing():
        is_kept = _write_row(row)
        is_news = asset.kind == assets.VIDEO and not asset.is_clip
        if is_kept and is_news and notify.is_wanted():
            notify.remember_video(asset)
            report(asset.owner_id)
    if not is_kept:
        media.remove(row["path"])


@contextmanager
def _source(asset: Asset) -> Iterator[BinaryIO]:
    """Yield a video, or the clip in a photo as a file: ffmpeg begins at the beginning."""
    with media.open(asset.path) as file:
        if asset.kind == assets.VIDEO:
            yield file
            return
        place = json.loads(asset.motion or "{}")
        ingest.check_room(place["size"])
        with _part(file, place["at"], place["size"]) as clip:
            yield clip


def _part(file: BinaryIO, at: int, size: int) -> BinaryIO:
    """Return a part of a file as a file of its own."""
    with storage_errors(), ExitStack() as undo:
        part = undo.enter_context(tempfile.TemporaryFile())
        file.seek(at)
        while size and (piece := file.read(min(size, PIECE))):
            size -= part.write(piece)
        part.flush()
        undo.pop_all()
    return cast("BinaryIO", part)


def _look(file: BinaryIO) -> Film:
    options = config.settings().renditions
    limits = sandbox.Limits(memory=options.memory, seconds=options.seconds)
    found = sandbox.run(video.look, file, options.memory, limits=limits).value
    return Film(**found | {"colours": tuple(found["colours"])})


def command(film: Film, table: str = "") -> list[str]:
    """Return how ffmpeg makes of its standard input a film that browsers play, on its output.

    Pictures and sound that they play are taken as they are. `table` is a file of colours.
    """
    words = ["ffmpeg", "-nostdin", "-v", "error", "-nostats", "-progress", "pipe:2", "-y"]
    words += ["-threads", str(THREADS), *video.source(film.demuxer), "-map", f"0:{film.stream}"]
    words += _pictures(film, table)
    if film.sound_stream is not None:
        words += ["-map", f"0:{film.sound_stream}"]
        is_aac = film.sound == "aac"
        words += ["-c:a", "copy"] if is_aac else ["-c:a", "aac", "-b:a", "160k", "-ac", "2"]
    # Where it was taken, and by whom, is in the original, and nobody else's to read.
    words += ["-map_metadata", "-1", "-map_chapters", "-1", "-max_muxing_queue_size", "1024"]
    return [*words, "-movflags", "+faststart", "-f", "mp4", "file:/dev/fd/1"]


def _pictures(film: Film, table: str) -> list[str]:
    if film.is_plain:
        return ["-c:v", "copy"]
    width, height = video.fitted((film.width, film.height), EDGE)
    steps = ["yadif"] if film.is_interlaced else []
    steps += [f"scale={width}:{height}:in_color_matrix={film.matrix}:out_color_matrix=bt709"]
    steps += ["setsar=1"]
    if table:
        steps += ["format=gbrp10le", f"lut3d={table}", "scale=out_color_matrix=bt709"]
    steps += ["format=yuv420p"]
    words = ["-vf", ",".join(steps), "-c:v", "libx264", "-preset", "veryfast", "-crf", "23"]
    words += ["-maxrate", str(MOST_BITS), "-bufsize", str(2 * MOST_BITS), "-fpsmax", "60"]
    words += ["-threads", str(THREADS), "-filter_threads", "1"]
    # A picture that stands alone every two seconds is what one can jump to.
    words += ["-force_key_frames", "expr:gte(t,n_forced*2)", "-color_range", "tv"]
    for what in ("-colorspace", "-color_primaries", "-color_trc"):
        words += [what, "bt709"]
    return words


def _most_bytes(film: Film, size: int) -> int:
    """Return how large a film of `size` bytes may become."""
    if film.is_plain or film.duration is None:
        return TABLES + (size if film.is_plain else 4 * size)
    return TABLES + int(film.duration * MOST_BITS / 8 * SPILL)


def _run(film: Film, most: int, source: BinaryIO, target: BufferedRandom) -> None:
    """Have ffmpeg write a film into a file, with limits; say how far it is."""
    limits = {
        resource.RLIMIT_DATA: config.settings().video.memory,
        resource.RLIMIT_FSIZE: most,
        resource.RLIMIT_CORE: 0,
    }
    shot_before = processes.shot_for_memory()
    with (
        _tone_table(film) as table,
        subprocess.Popen(
            command(film, table),
            stdin=source,
            stdout=target,
            stderr=subprocess.PIPE,
            cwd=tempfile.gettempdir(),
            preexec_fn=partial(_confine, os.getpid(), limits),
        ) as ffmpeg,
    ):
        try:
            said = _follow(ffmpeg, film.duration)
        finally:
            ffmpeg.kill()
    if ffmpeg.returncode:
        raise _failure(ffmpeg.returncode, "\n".join(said), shot_before)


def _confine(parent: int, limits: dict[int, int]) -> None:
    processes.die_with_parent(signal.SIGKILL, parent)
    processes.gain_no_rights()
    # Should the kernel run out of memory, this process is the one to shoot.
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")
    for what, most in limits.items():
        hard = resource.getrlimit(what)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))


@contextmanager
def _tone_table(film: Film) -> Iterator[str]:
    """Yield the name of a file with the colours of an HDR film on any screen; empty if it is none.

    It is in the folder in which ffmpeg runs: paths have letters that mean something to filters.
    """
    bring = colour.bring_to_srgb(*film.colours)
    if bring is None:
        yield ""
        return
    axis = [step / (STEPS - 1) for step in range(STEPS)]
    rows = (bring(red, green, blue) for blue in axis for green in axis for red in axis)
    with tempfile.NamedTemporaryFile("w", suffix=".cube") as file:
        file.write(f"LUT_3D_SIZE {STEPS}\n")
        file.writelines("{:.6f} {:.6f} {:.6f}\n".format(*row) for row in rows)
        file.flush()
        yield os.path.basename(file.name)


def _follow(ffmpeg: subprocess.Popen[bytes], duration: float | None) -> list[str]:
    """Report progress until ffmpeg is done; return the last lines of its complaints."""
    said: list[str] = []
    for line in _lines(ffmpeg, time.monotonic() + config.settings().video.seconds):
        name, _, value = line.partition("=")
        if not PROGRESS.match(line):
            said = [*said, line][-MOST_LINES:]
        elif name == "out_time_us" and value.isdigit():
            ingest.check_room()
            part = min(0.99, int(value) / 1e6 / duration) if duration else None
            runs.report("Converting the video", part)
    return said


def _lines(ffmpeg: subprocess.Popen[bytes], deadline: float) -> Iterator[str]:
    """Yield what ffmpeg says until it says no more; ChildFailed when its time is over."""
    pipe = cast("IO[bytes]", ffmpeg.stderr).fileno()
    poll, rest = select.poll(), b""
    poll.register(pipe, select.POLLIN)
    while (left := deadline - time.monotonic()) > 0:
        if not poll.poll(left * 1000):
            continue
        piece = os.read(pipe, 4096)
        if not piece:
            return
        *lines, rest = (rest + piece[-LONGEST_LINE:]).split(b"\n")
        yield from (line.decode(errors="replace").strip() for line in lines)
        rest = rest[-LONGEST_LINE:]
    raise ChildFailed(sandbox.TOO_LONG)


def _failure(status: int, said: str, shot_before: int) -> HomequeueError:
    """Return what to tell of an ffmpeg that ended badly, with its own words for the log."""
    error: HomequeueError = ChildFailed(NO_RESULT)
    if status == -signal.SIGKILL:  # nobody here has killed it
        error = sandbox.shot(shot_before)
    elif "Cannot allocate memory" in said:
        error = ChildFailed(sandbox.TOO_MUCH_MEMORY)
    elif "No space left on device" in said:
        error = NoSpace("The disk of the server is full.")
    elif status == -signal.SIGXFSZ or "File too large" in said:
        error = ChildFailed(TOO_LARGE)
    error.add_note(said)
    return error


def _keep(asset: Asset, folder: str, target: BufferedRandom) -> dict[str, Any]:
    """Give what ffmpeg has written its name, if it is a film; return the row of it."""
    made = _look(target)
    if not made.duration:
        raise ChildFailed(NO_RESULT)
    target.seek(0)
    checksum = hashlib.file_digest(target, "sha256").hexdigest()
    spec = spec_of(asset)
    path = media.keep_new_rendition(target, f"{folder}/{asset.id}-{spec}-{checksum[:8]}.mp4")
    return {
        "asset": asset.id,
        "spec": spec,
        "path": path,
        "mime": "video/mp4",
        "width": made.width,
        "height": made.height,
        "size": os.fstat(target.fileno()).st_size,
        "checksum": checksum,
    }


def _write_row(row: dict[str, Any]) -> bool:
    """Write the row of a rendition in place of one whose file was lost; False without its asset."""
    if not Asset.select().where(Asset.id == row["asset"]).exists():
        return False
    same = (Rendition.asset == row["asset"]) & (Rendition.spec == row["spec"])
    Rendition.delete().where(same).execute()
    Rendition.create(**row)
    return True
