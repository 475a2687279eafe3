"""Photos that move: Live Photos in two files, motion photos in one, animations."""

import struct
from typing import Any

from tests import pictures
from tests.films import H264, ffmpeg, film

MARK = "8D2D1B9E-7A5C-4F0E-9C33-0A1B2C3D4E5F"
TAKEN = "2024:07:12 18:15:00"


def note(mark: str = MARK, order: str = ">", tag: int = 0x0011) -> bytes:
    """Apple's maker note: a number, and the text that a Live Photo shares with its clip."""
    text = mark.encode() + b"\0"
    head = b"Apple iOS\0\0\1" + (b"MM" if order == ">" else b"II")
    number = struct.pack(order + "HHIi", 0x0001, 9, 1, 14)
    words = struct.pack(order + "HHII", tag, 2, len(text), 14 + 2 + 2 * 12 + 4)
    return head + struct.pack(order + "H", 2) + number + words + bytes(4) + text


def photo(mark: str = MARK, seed: int = 0, taken: str = TAKEN) -> bytes:
    """A photo as a phone of Apple's takes it; without a mark, as another does."""
    detail: dict[int, Any] = {0x9003: taken} | ({0x927C: note(mark)} if mark else {})
    return pictures.data(
        pictures.scene(600, 400), exif=pictures.exif({0x010F: "Apple"}, detail), comment=str(seed)
    )


def clip(mark: str = MARK, seed: int = 0, seconds: float = 2.0, *options: str) -> bytes:
    """Its clip, with the same mark; it was taken when the photo was."""
    written = {"com.apple.quicktime.content.identifier": mark} if mark else {}
    written |= {
        "com.apple.quicktime.creationdate": "2024-07-12T18:15:01+0200",
        "comment": str(seed),
    }
    words = [word for name, value in written.items() for word in ("-metadata", f"{name}={value}")]
    whole = film(*(options or H264), name="whole.mov", seconds=seconds)
    copied = ["-i", "in", "-c", "copy", "-movflags", "use_metadata_tags", *words]
    return ffmpeg(*copied, name="live.mov", given=whole)


def motion_photo(*options: str, seconds: float = 2.0, seed: int = 0) -> tuple[bytes, bytes]:
    """A motion photo of Google's, and the clip in it."""
    moving = film(*(options or H264), name="clip.mp4", seconds=seconds)
    packet = f'<r GCamera:MicroVideo="1" GCamera:MicroVideoOffset="{len(moving)}"/>'.encode()
    still = pictures.data(pictures.scene(600, 400), xmp=packet, comment=str(seed))
    return still + moving, moving


def animation(form: str = "GIF", frames: int = 6, size: tuple[int, int] = (300, 200)) -> bytes:
    """A picture that turns upside down and back, for ever."""
    scene = pictures.scene(*size)
    turned = [scene.rotate(180 * (n % 2)) for n in range(1, frames)]
    return pictures.data(scene, form, save_all=True, append_images=turned, duration=120, loop=0)
