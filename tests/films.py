"""Small films made by ffmpeg on the spot, each with something that goes wrong elsewhere."""

import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import part

#: Four colours in the four corners of 320×180 and a bar that wanders.
SCENE = (
    "color=red:s=160x90:d={d}:r=25[a];color=lime:s=160x90:d={d}:r=25[b];"
    "color=blue:s=160x90:d={d}:r=25[c];color=yellow:s=160x90:d={d}:r=25[e];"
    "[a][b]hstack[f];[c][e]hstack[g];[f][g]vstack"
)
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
HEVC = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none")
HEVC = (*HEVC, "-pix_fmt", "yuv420p", "-tag:v", "hvc1")
MPEG2 = ("-c:v", "mpeg2video", "-q:v", "4")
AAC = ("-c:a", "aac", "-b:a", "64k")


@cache
def film(*options: str, name: str = "film.mp4", seconds: float = 2.0, sound: bool = False) -> bytes:
    """The bytes of the scene, encoded with these options of ffmpeg; the name says the container."""
    inputs = ["-f", "lavfi", "-i", SCENE.format(d=seconds)]
    if sound:
        inputs += ["-f", "lavfi", "-i", f"sine=d={seconds}"]
    return ffmpeg(*inputs, *(options or H264), "-t", str(seconds), name=name)


def ffmpeg(*words: str, name: str, given: bytes | None = None) -> bytes:
    """Run ffmpeg; what it wrote into a file of this name. `given` is its file "in"."""
    program = part("ffmpeg")
    with tempfile.TemporaryDirectory() as folder:
        if given is not None:
            (Path(folder) / "in").write_bytes(given)
        command = [program, "-v", "error", "-y", *words, name]
        done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
        if done.returncode:
            pytest.fail(done.stderr.decode())
        return (Path(folder) / name).read_bytes()


def probe(data: bytes, entries: str) -> list[str]:
    """What ffprobe says of a film: the values of these entries, one a line."""
    program = part("ffprobe")
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        command = [program, "-v", "error", "-show_entries", entries, "-of", "csv=p=0", file.name]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def turned(data: bytes, degrees: int, name: str = "turned.mp4") -> bytes:
    """The same film, to be shown turned: the way phones write what was held upright."""
    return ffmpeg(
        "-i", "in", "-c", "copy", "-metadata:s:v", f"rotate={degrees}", name=name, given=data
    )


def tagged(name: str = "tagged.mov", **tags: str) -> bytes:
    """A film in which something is written; `__` stands for the dot."""
    words = [f"{key.replace('__', '.')}={value}" for key, value in tags.items()]
    options = [part for word in words for part in ("-metadata", word)]
    return film(*H264, "-movflags", "use_metadata_tags", *options, name=name)
