"""Video: what a film says of itself, and a picture of it; ffprobe and ffmpeg look into the file.

They are run in a child with limits (`sandbox`), read one file and nothing else, and know no more
kinds of files than films come in: a playlist that names other files is not read.
"""

import io
import json
import os
import re
import resource
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import partial
from typing import Any, BinaryIO

from homequeue import errors, processes
from homequeue.services import containers, dates, imaging, makernotes, sandbox, values
from homequeue.services.containers import Container, is_cut
from homequeue.services.dates import Moment
from homequeue.services.metadata import Metadata

PROGRAMS = ("ffmpeg", "ffprobe")
LACKING = "ffmpeg is not installed on the server, so this video is kept but not shown."
MISSING = f"{LACKING} It is shown once whoever runs the server has installed it."
NOTHING = "This file calls itself a video, but nothing in it can be shown."
SOUND_ONLY = "There is no picture in this video, only sound."
#: What may be decoded, or is opened to be looked at; the many curiosities of ffmpeg may not.
CODECS = ",".join(
    (
        "h264,hevc,libdav1d,libaom-av1,av1,vp8,vp9,libvpx,libvpx-vp9,theora,mpeg4,msmpeg4v1",
        "msmpeg4v2,msmpeg4,mpeg1video,mpeg2video,mpegvideo,h263,h263i,mjpeg,mjpegb,prores,dnxhd",
        "cfhd,dvvideo,svq1,svq3,cinepak,rawvideo,huffyuv,ffv1,indeo3,indeo5,msvideo1,rpza,wmv1",
        "wmv2,wmv3,vc1,png,aac,aac_latm,ac3,eac3,dca,mp2,mp2float,mp3,mp3float,opus,libopus,vorbis",
        "flac,alac,amrnb,amrwb,libopencore_amrnb,libopencore_amrwb,pcm_s16le,pcm_s16be,pcm_s24le",
        "pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,pcm_u8,pcm_s8,pcm_alaw,pcm_mulaw",
        "pcm_bluray,pcm_dvd,adpcm_ima_qt,adpcm_ima_wav,adpcm_ms,qdm2,mace3,mace6,mov_text,text",
        "subrip,srt,ass,ssa,webvtt,dvbsub,dvdsub,pgssub,cc_dec",
    )
)
ASKED = (
    "format=duration:format_tags:stream=index,codec_type,codec_name,pix_fmt,width,height,"
    "sample_aspect_ratio,avg_frame_rate,field_order,color_transfer,color_primaries,color_space:"
    "stream_tags=creation_time:stream_disposition=attached_pic:stream_side_data=rotation"
)
#: Names that ffmpeg has for the numbers of ITU-T H.273.
PRIMARIES = {"bt2020": 9, "smpte432": 12}
TRANSFERS = {"smpte2084": 16, "arib-std-b67": 18}
#: The picture of a film is taken this many seconds after its beginning, which is often black.
POSTER_AT = 1.0
#: A zone that differs so much from the sun is another one; Spain in summer differs by 2.3 hours.
FAR_AWAY = timedelta(hours=2.5)
PLACE = re.compile(r"([+-]\d{2}(?:\.\d+)?)([+-]\d{3}(?:\.\d+)?)([+-]\d+(?:\.\d+)?)?")
#: What browsers play: in MP4 and its kin, and in WebM.
PLAYED = {
    "mov": ({"h264", "vp9", "av1"}, {"", "aac", "mp3", "opus"}),
    "video/webm": ({"vp8", "vp9", "av1"}, {"", "opus", "vorbis"}),
}
#: Bytes that a pixel costs at most while a film is decoded: ten bits, and a dozen pictures at once.
#: Each decoder has words of its own, or none, for too little memory.
COST = 24
PLAIN_PIXELS = ("yuv420p", "yuvj420p")


@dataclass(frozen=True)
class Film:
    """What is in a file: sizes in pixels as displayed, `duration` in seconds, numbers of streams.

    `colours` are primaries and transfer after ITU-T H.273; an empty `sound` is none.
    """

    mime: str
    demuxer: str
    width: int
    height: int
    duration: float | None
    stream: int
    codec: str
    pixels: str
    frame_rate: float | None
    is_interlaced: bool
    #: The name of the matrix by which colours are to be had, guessed where the file is silent.
    matrix: str
    colours: tuple[int, int]
    sound_stream: int | None
    sound: str

    @property
    def is_plain(self) -> bool:
        """Whether its pictures are H.264 that any browser plays."""
        return self.codec == "h264" and self.pixels in PLAIN_PIXELS and not self.is_interlaced


def is_possible() -> bool:
    """Tell whether ffmpeg is there."""
    return all(shutil.which(program) for program in PROGRAMS)


def check_possible() -> None:
    """Raise NotInstalled if ffmpeg is missing."""
    if not is_possible():
        raise errors.NotInstalled(MISSING)


def read(
    file: BinaryIO, specs: Sequence[imaging.Spec], memory: int
) -> tuple[imaging.Rendered, Metadata, dict[str, Any]]:
    """Make the pictures of a film and read what it says of itself; for the sandbox.

    The last part is what only films have, by the names of the columns.
    """
    film, tags = probe(file, memory)
    size = fitted((film.width, film.height), max(spec.edge for spec in specs))
    try:
        poster = _poster(file, film, size, memory)
    except errors.Unreadable:
        if film.width * film.height * COST > memory:
            raise MemoryError from None
        raise
    rendered = imaging.render(io.BytesIO(poster), specs, memory, film.colours)
    found = _metadata(film, tags, datetime.now(UTC).replace(tzinfo=None))
    rendered = replace(rendered, width=film.width, height=film.height, damaged=is_cut(file))
    return rendered, found, {"duration": film.duration, "playable": plays(film)}


def look(file: BinaryIO, memory: int) -> tuple[dict[str, Any], list[bytes]]:
    """Read what is in a film; for the sandbox."""
    return asdict(probe(file, memory)[0]), []


def probe(file: BinaryIO, memory: int) -> tuple[Film, dict[str, str]]:
    """Return what is in a film, and what is written in it; Unreadable if nothing can be shown."""
    container = containers.container(file)
    if container is None:
        raise errors.Unreadable(NOTHING)
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_entries", ASKED]
    found = json.loads(_run([*command, *source(container.demuxer)], file, memory))
    return film_of(found, container), _tags(found)


def source(demuxer: str) -> list[str]:
    """Return how ffmpeg is told to read its standard input: as this kind of file, and only this."""
    only = ["-protocol_whitelist", "file", "-format_whitelist", demuxer, "-codec_whitelist", CODECS]
    # Opened anew by this name it can be read from any place, unlike a pipe.
    return [*only, "-f", demuxer, "-i", "file:/dev/fd/0"]


def film_of(found: Mapping[str, Any], container: Container) -> Film:
    """Make a Film of what ffprobe says; Unreadable if there is no picture in it."""
    streams = found.get("streams", [])
    pictures = [one for one in streams if one.get("codec_type") == "video" and _is_film(one)]
    sounds = [one for one in streams if one.get("codec_type") == "audio" and "codec_name" in one]
    if not pictures:
        raise errors.Unreadable(SOUND_ONLY if sounds else NOTHING)
    stream = pictures[0]
    width, height = _displayed(stream)
    return Film(
        mime=container.mime,
        demuxer=container.demuxer,
        width=width,
        height=height,
        duration=_positive(found.get("format", {}).get("duration")),
        stream=stream["index"],
        codec=stream["codec_name"],
        pixels=stream.get("pix_fmt", ""),
        frame_rate=_positive(stream.get("avg_frame_rate")),
        is_interlaced=stream.get("field_order", "progressive") not in ("progressive", "unknown"),
        matrix=_matrix(stream),
        colours=(
            PRIMARIES.get(stream.get("color_primaries", ""), 0),
            TRANSFERS.get(stream.get("color_transfer", ""), 0),
        ),
        sound_stream=sounds[0]["index"] if sounds else None,
        sound=sounds[0]["codec_name"] if sounds else "",
    )


def plays(film: Film) -> bool:
    """Tell whether browsers play a film as it is."""
    kind = "video/webm" if film.mime == "video/webm" else film.demuxer
    codecs, sounds = PLAYED.get(kind, (set(), set()))
    is_plain = film.codec != "h264" or film.pixels in PLAIN_PIXELS
    return is_plain and film.codec in codecs and film.sound in sounds


def fitted(size: tuple[int, int], edge: int) -> tuple[int, int]:
    """Return the size of a film whose long edge is at most `edge`, in even numbers.

    >>> fitted((3840, 2160), 1920), fitted((101, 7), 1920)
    ((1920, 1080), (100, 6))
    """
    scale = min(1.0, edge / max(size))
    return max(2, int(size[0] * scale) // 2 * 2), max(2, int(size[1] * scale) // 2 * 2)


def _is_film(stream: Mapping[str, Any]) -> bool:
    """Tell pictures that move from the cover of a recording, and from what is of unknown kind."""
    is_cover = stream.get("disposition", {}).get("attached_pic")
    return bool(not is_cover and "codec_name" in stream and stream.get("width"))


def _displayed(stream: Mapping[str, Any]) -> tuple[int, int]:
    """Return width and height as a player shows them: pixels need not be square, nor upright."""
    width, height = int(stream["width"]), int(stream["height"])
    shape = _ratio(stream.get("sample_aspect_ratio"))
    width = round(width * shape) if shape and Fraction(1, 8) < shape < 8 else width
    turned = next((s["rotation"] for s in stream.get("side_data_list", []) if "rotation" in s), 0)
    return (height, width) if round(turned / 90) % 2 else (width, height)


def _matrix(stream: Mapping[str, Any]) -> str:
    named = str(stream.get("color_space", ""))
    if named in ("bt709", "bt2020nc", "bt470bg", "smpte170m", "smpte240m", "fcc"):
        return named
    return "bt709" if min(stream["width"], stream["height"]) >= 720 else "smpte170m"


def _ratio(text: Any) -> Fraction | None:
    try:
        return Fraction(str(text).replace(":", "/"))
    except (ValueError, ZeroDivisionError):
        return None


def _positive(text: Any) -> float | None:
    number = _ratio(text)
    return round(float(number), 3) if number is not None and 0 < number < 10**7 else None


def _poster(file: BinaryIO, film: Film, size: tuple[int, int], memory: int) -> bytes:
    """Return a picture of a film as PNG: from near its beginning, or the very first."""
    width, height = size
    shape = f"scale={width}:{height}:in_color_matrix={film.matrix},setsar=1,format=rgb24"
    moments = [min(POSTER_AT, (film.duration or 2 * POSTER_AT) / 2), 0.0]
    for moment in moments:
        command = ["ffmpeg", "-nostdin", "-v", "error", "-threads", "1", "-ss", f"{moment:.3f}"]
        command += [*source(film.demuxer), "-map", f"0:{film.stream}", "-frames:v", "1"]
        command += ["-vf", shape, "-c:v", "png", "-compression_level", "1"]
        picture = _run([*command, "-f", "image2pipe", "pipe:1"], file, memory)
        if picture:
            return picture
    raise errors.Unreadable(NOTHING)


def _run(command: list[str], file: BinaryIO, memory: int) -> bytes:
    """Return what a program says about a file; the limits of this process are its own too."""
    end = partial(_confine, os.getpid(), memory)
    done = subprocess.run(command, stdin=file, capture_output=True, check=False, preexec_fn=end)
    if done.returncode == -signal.SIGXCPU:
        raise sandbox.ChildFailed(sandbox.TOO_LONG)
    if done.returncode:
        raise errors.Unreadable(NOTHING)
    return done.stdout


def _confine(parent: int, memory: int) -> None:
    processes.die_with_parent(signal.SIGKILL, parent)
    # This process may have as much besides what it had; a program that begins has nothing.
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = memory if hard == resource.RLIM_INFINITY else min(memory, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _tags(found: Mapping[str, Any]) -> dict[str, str]:
    """Return what is written in a file, by names in small letters; the film as a whole wins."""
    parts = [*reversed(found.get("streams", [])), found.get("format", {})]
    return {
        name.lower(): str(value) for part in parts for name, value in part.get("tags", {}).items()
    }


def _metadata(film: Film, tags: Mapping[str, str], now: datetime) -> Metadata:
    lat, lon, altitude = _place(tags)
    moment = dates.choose(_written(tags, lon), now)
    known = {"video": film.codec, "audio": film.sound, "frame_rate": film.frame_rate}
    return Metadata(
        taken_at=moment.taken_at if moment else None,
        offset=dates.offset_text(moment.offset) if moment else None,
        taken_at_source=moment.source if moment else None,
        make=_line(tags, "com.apple.quicktime.make", "com.android.manufacturer", "make"),
        model=_line(tags, "com.apple.quicktime.model", "com.android.model", "model"),
        exposure={name: value for name, value in known.items() if value},
        lat=lat,
        lon=lon,
        altitude=altitude,
        caption=_line(tags, "com.apple.quicktime.description", "description"),
        content_id=makernotes.mark(tags.get("com.apple.quicktime.content.identifier")),
    )


def _written(tags: Mapping[str, str], lon: float | None) -> Iterator[Moment | None]:
    """The dates in a film: Apple's with its zone, then the instant that everybody else writes."""
    yield dates.from_tag(tags.get("com.apple.quicktime.creationdate"), "video")
    moment = dates.from_tag(tags.get("creation_time"), "video")
    if moment is None or moment.offset != timedelta():
        yield moment
        return
    instant = moment.at.replace(tzinfo=UTC)
    here = dates.from_instant(instant.timestamp(), "video")
    sun = timedelta(hours=round((lon or 0) / 15))
    if lon is None or here.offset is None or abs(here.offset - sun) <= FAR_AWAY:
        yield here
    else:
        yield Moment(moment.at.replace(microsecond=0) + sun, "video", sun)


def _place(tags: Mapping[str, str]) -> tuple[float | None, float | None, float | None]:
    """Return degrees and metres after ISO 6709; 0, 0 is what a receiver without a fix says."""
    names = ("com.apple.quicktime.location.iso6709", "location", "location-eng")
    found = next((m for name in names if (m := PLACE.match(tags.get(name, "")))), None)
    lat, lon = (float(found[1]), float(found[2])) if found else (0.0, 0.0)
    if found is None or abs(lat) > 90 or abs(lon) > 180 or lat == lon == 0:
        return None, None, None
    return lat, lon, values.metres(found[3], below=False)


def _line(tags: Mapping[str, str], *names: str) -> str | None:
    """Return the first of these that is written."""
    return next((line for name in names if (line := values.line(tags.get(name)))), None)
