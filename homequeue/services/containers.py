"""Containers: which file is a video, by its first bytes; what is in it is for ffmpeg to say."""

import re
import struct
from dataclasses import dataclass
from typing import BinaryIO

from homequeue.services.headers import Identity

#: Bytes read to tell one container from another: three packets of a transport stream.
HEAD = 1024
#: Boxes looked at before a file counts as whole, whatever else it holds.
STEPS = 4096


@dataclass(frozen=True)
class Container:
    """A kind of file that is taken as a video; `demuxer` is what ffmpeg is told to read it with."""

    name: str
    mime: str
    extension: str
    demuxer: str


MP4 = Container("MP4", "video/mp4", "mp4", "mov")
QUICKTIME = Container("QuickTime", "video/quicktime", "mov", "mov")
MOBILE = Container("3GP", "video/3gpp", "3gp", "mov")
#: By the pattern of their first bytes; MP4 and its kin are told apart by their brand instead.
OTHERS = {
    rb"\x1aE\xdf\xa3.{1,90}?B\x82.{1,8}?webm": Container("WebM", "video/webm", "webm", "matroska"),
    rb"\x1aE\xdf\xa3.{1,90}?B\x82.{1,8}?matroska": Container(
        "Matroska", "video/x-matroska", "mkv", "matroska"
    ),
    rb"RIFF.{4}AVI ": Container("AVI", "video/x-msvideo", "avi", "avi"),
    rb"\0\0\x01\xba": Container("MPEG", "video/mpeg", "mpg", "mpeg"),
    rb"G.{187}G.{187}G": Container("MPEG-TS", "video/mp2t", "ts", "mpegts"),
    rb".{4}G.{191}G.{191}G": Container("AVCHD", "video/mp2t", "mts", "mpegts"),
}
#: Brands of `ftyp` (ISO 14496-12) that are pictures, sound, and videos.
PICTURES = re.compile(rb"he[iv][cxms]|mi[af]1|miaf|msf1|avi[fs]|crx ")
SOUND = re.compile(rb"M4[ABP] |F4[AB] ")
VIDEOS = re.compile(
    rb"iso[m2-9a-c]|mp4[12]|mp71|avc1|hvc1|hev1|av01|dash|cmf[2cs]|M4V[ HP]|MSNV|XAVC|[fF]4V "
    rb"|NDS[CHMPSX]|qt  |3g[egprst2][0-9a-c ]|mmp4|kddi"
)
#: What a QuickTime film may begin with that is older than `ftyp`.
OLD = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")


def identify(file: BinaryIO) -> Identity | None:
    """Say what a video is from its first bytes; None if it is none."""
    found = container(file)
    if found is None:
        return None
    return Identity(found.name, found.mime, found.extension, 0, 0, is_cut(file))


def container(file: BinaryIO) -> Container | None:
    """Return the container of a video; None if the file is none."""
    file.seek(0)
    head = file.read(HEAD)
    if head[4:8] == b"ftyp":
        return _branded(head[: max(16, int.from_bytes(head[:4]))])
    if head[4:8] in OLD:
        return QUICKTIME
    return next((kind for magic, kind in OTHERS.items() if re.match(magic, head, re.DOTALL)), None)


def _branded(box: bytes) -> Container | None:
    major, others = box[8:12], [box[at : at + 4] for at in range(16, len(box), 4)]
    if SOUND.fullmatch(major) or any(PICTURES.fullmatch(brand) for brand in (major, *others)):
        return None
    if not any(VIDEOS.fullmatch(brand) for brand in (major, *others)):
        return None
    if major == b"qt  ":
        return QUICKTIME
    return MOBILE if major.startswith(b"3g") else MP4


def is_cut(file: BinaryIO) -> bool:
    """Tell whether the boxes of an MP4 or QuickTime film promise more bytes than there are.

    Of others nobody knows.
    """
    found = container(file)
    if found is None or found.demuxer != "mov":
        return False
    end, at = file.seek(0, 2), 0
    for _ in range(STEPS):
        file.seek(at)
        header = file.read(16)
        if len(header) < 8:
            break
        (length,) = struct.unpack_from(">I", header)
        if length == 1 and len(header) == 16:
            (length,) = struct.unpack_from(">Q", header, 8)
        if length < 8:  # 0: it reaches to the end; others are nonsense
            return False
        at += length
        if at > end:
            return True
    return False
