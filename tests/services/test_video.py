"""What ffprobe and ffmpeg tell of films, and what they may not do."""

import io
import json
import os
import re
import subprocess
import tempfile
import time
from typing import Any

import pytest
from PIL import Image

from homequeue import errors
from homequeue.services import containers, imaging, sandbox, video
from tests import films
from tests.films import AAC, H264, HEVC, MPEG2, film

SPECS = (imaging.PREVIEW, imaging.THUMBNAIL)
MEMORY = 384 << 20
LIMITS = sandbox.Limits(memory=MEMORY, seconds=60)


@pytest.fixture(autouse=True)
def _ffmpeg() -> None:
    films.part("ffmpeg")


def _read(file: Any, memory: int) -> tuple[Any, list[bytes]]:
    rendered, found, of_film = video.read(file, SPECS, memory)
    whole = {"size": [rendered.width, rendered.height], "damaged": rendered.damaged}
    return whole | {"found": vars(found)} | of_film, [p.data for p in rendered.pictures]


def read(data: bytes, limits: sandbox.Limits = LIMITS) -> tuple[dict[str, Any], Image.Image]:
    """What is told of a film, and its preview."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        answer = sandbox.run(_read, file, limits.memory, limits=limits)
    return answer.value, Image.open(io.BytesIO(answer.blobs[0]))


def look(data: bytes) -> video.Film:
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        return video.probe(file, MEMORY)[0]


def colours(picture: Image.Image) -> list[str]:
    """The names of what is in the corners: left above, right above, left below, right below."""
    small = picture.convert("RGB").resize((2, 2), Image.Resampling.BOX)
    names = {(1, 0, 0): "red", (0, 1, 0): "lime", (0, 0, 1): "blue", (1, 1, 0): "yellow"}
    pixels = [small.getpixel((x, y)) for y in (0, 1) for x in (0, 1)]
    return [names[tuple(int(value > 128) for value in pixel)] for pixel in pixels]  # type: ignore


# What is in it


def test_a_film_has_a_length_a_size_and_a_picture() -> None:
    told, picture = read(film(*H264, *AAC, sound=True))
    assert told["size"] == [320, 180]
    assert told["duration"] == pytest.approx(2.0, abs=0.1)
    assert told["found"]["exposure"] == {"video": "h264", "audio": "aac", "frame_rate": 25.0}
    assert (told["playable"], told["damaged"]) == (True, False)
    assert picture.size == (320, 180)
    assert colours(picture) == ["red", "lime", "blue", "yellow"]


@pytest.mark.parametrize(
    ("degrees", "size", "corners"),
    [
        (90, [180, 320], {"red", "lime", "blue", "yellow"}),
        (180, [320, 180], ["yellow", "blue", "lime", "red"]),
        (270, [180, 320], {"red", "lime", "blue", "yellow"}),
    ],
)
def test_a_film_is_shown_upright(degrees: int, size: list[int], corners: Any) -> None:
    told, picture = read(films.turned(film(), degrees))
    assert told["size"] == size == list(picture.size)
    assert type(corners)(colours(picture)) == corners


def test_the_two_ways_of_turning_are_not_mixed_up() -> None:
    one, other = (colours(read(films.turned(film(), n))[1]) for n in (90, 270))
    assert one == other[::-1]
    assert one in (["lime", "yellow", "red", "blue"], ["blue", "red", "yellow", "lime"])


def test_pixels_that_are_not_square_are_made_so() -> None:
    told, picture = read(film(*H264, "-vf", "setsar=2"))
    assert told["size"] == [640, 180] == list(picture.size)


def test_a_film_without_sound() -> None:
    assert read(film())[0]["found"]["exposure"] == {"video": "h264", "frame_rate": 25.0}


@pytest.mark.parametrize("seconds", [0.04, 0.2, 0.9])
def test_the_shortest_films_have_a_picture(seconds: float) -> None:
    told, picture = read(film(*H264, seconds=seconds))
    assert told["duration"] == pytest.approx(seconds, abs=0.05)
    assert colours(picture) == ["red", "lime", "blue", "yellow"]


def test_a_film_that_does_not_say_how_long_it_is() -> None:
    data = film(
        "-c:v", "libvpx", "-deadline", "realtime", "-f", "webm", "-live", "1", name="a.webm"
    )
    told, picture = read(data)
    assert told["duration"] is None
    assert colours(picture) == ["red", "lime", "blue", "yellow"]


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
def test_the_poster_of_an_hdr_film_is_neither_grey_nor_burnt(transfer: str) -> None:
    """White paper is at 203 cd/m²: 58 % of the signal of PQ, 75 % of HLG (BT.2408)."""
    signal = {"smpte2084": 0.58, "arib-std-b67": 0.75}[transfer]
    grey = f"geq=lum='64+876*{signal}':cb=512:cr=512"
    marks = ("-color_primaries", "bt2020", "-color_trc", transfer, "-colorspace", "bt2020nc")
    bare = [*HEVC, "-pix_fmt", "yuv420p10le", *marks]
    told, picture = read(film("-vf", f"format=yuv420p10le,{grey}", *bare, name="hdr.mov"))
    assert told["playable"] is False
    value = picture.convert("L").getpixel((100, 100))
    assert isinstance(value, int)
    assert 190 <= value <= 250


def test_colours_without_a_name_are_those_of_high_definition() -> None:
    """ffmpeg takes what says nothing for old television, whose green is another."""
    named = ("-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709")
    matrix = "scale=1280:720:out_color_matrix=bt709"
    told = [read(film("-vf", matrix, *H264, *extra))[1] for extra in (named, ())]
    pixels = [picture.convert("RGB").getpixel((20, 20)) for picture in told]
    assert pixels[0] == pixels[1]


# What is written in it


def written(**tags: str) -> dict[str, Any]:
    return dict(read(films.tagged(**tags))[0]["found"])


def test_what_an_iphone_writes_is_read() -> None:
    found = written(
        com__apple__quicktime__creationdate="2024-07-12T18:15:00+0300",
        creation_time="2024-07-12T15:15:02Z",
        com__apple__quicktime__location__ISO6709="+52.5000-013.4000+034.500/",
        com__apple__quicktime__make="Apple",
        com__apple__quicktime__model="iPhone 15 Pro",
    )
    assert (found["taken_at"], found["offset"]) == ("2024-07-12T18:15:00", "+03:00")
    assert found["taken_at_source"] == "video"
    assert (found["lat"], found["lon"], found["altitude"]) == (52.5, -13.4, 34.5)
    assert (found["make"], found["model"]) == ("Apple", "iPhone 15 Pro")


@pytest.fixture
def _in_berlin(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("_in_berlin")
@pytest.mark.parametrize(
    ("place", "taken_at", "offset"),
    [
        ("", "2024-07-12T18:15:00", "+02:00"),
        ("+40.4-003.7/", "2024-07-12T18:15:00", "+02:00"),
        ("+35.7+139.7/", "2024-07-13T01:15:00", "+09:00"),
        ("+40.7-074.0/", "2024-07-12T11:15:00", "-05:00"),
    ],
)
def test_an_instant_is_told_by_the_clock_of_the_place(
    place: str, taken_at: str, offset: str
) -> None:
    found = written(creation_time="2024-07-12T16:15:00Z", **({"location": place} if place else {}))
    assert (found["taken_at"], found["offset"]) == (taken_at, offset)


@pytest.mark.parametrize("date", ["1904-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "2999-01-01"])
def test_a_clock_that_was_never_set_is_not_believed(date: str) -> None:
    assert written(com__apple__quicktime__creationdate=date)["taken_at"] is None


@pytest.mark.parametrize("place", ["+00.0+000.0/", "+99.0+013.0/", "somewhere", "+52.5"])
def test_a_place_that_cannot_be_is_none(place: str) -> None:
    assert written(location=place)["lat"] is None


# What plays


@pytest.mark.parametrize(
    ("options", "name", "plays"),
    [
        ((*H264, *AAC), "a.mp4", True),
        ((*H264, *AAC), "a.mov", True),
        ((*H264, "-c:a", "pcm_s16le"), "a.mov", False),
        ((*H264, *AAC), "a.mkv", False),
        (("-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus"), "a.webm", True),
        (("-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus"), "a.mkv", False),
        ((*H264[:-1], "yuv444p", *AAC), "a.mp4", False),
        ((*HEVC, *AAC), "a.mp4", False),
        (MPEG2, "a.mpg", False),
        ((*H264, *AAC), "a.ts", False),
        (("-c:v", "mpeg4"), "a.avi", False),
        (("-c:v", "prores_ks"), "a.mov", False),
    ],
)
def test_what_browsers_play(options: tuple[str, ...], name: str, plays: bool) -> None:
    found = look(film(*options, name=name, sound=True))
    assert video.plays(found) is plays


def test_where_the_index_is_makes_no_difference() -> None:
    """A browser asks for the end of a file first if it must."""
    last, first = film(), film(*H264, "-movflags", "+faststart")
    assert last.index(b"moov") > last.index(b"mdat")
    assert first.index(b"moov") < first.index(b"mdat")
    assert video.plays(look(last))
    assert video.plays(look(first))


# What cannot be shown


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom",
        b"\0\0\0\x08wide\0\0\1\0mdat" + b"\0" * 1000,
        b"RIFF\0\0\1\0AVI LIST" + b"\xff" * 1000,
        b"\x1aE\xdf\xa3\x9fB\x82\x84webm" + b"\0" * 1000,
        (b"G" + b"\0" * 187) * 20,
        b"\0\0\x01\xba\x44" + b"\0" * 1000,
    ],
)
def test_what_only_calls_itself_a_video_is_told_in_words(data: bytes) -> None:
    with pytest.raises(errors.Unreadable, match="nothing in it can be shown"):
        read(data)


def test_a_film_without_its_index_is_told_in_words() -> None:
    with pytest.raises(errors.Unreadable, match="nothing in it can be shown"):
        read(film()[: len(film()) // 2])


def test_a_film_that_breaks_off_is_shown_and_marked() -> None:
    whole = film(*H264, "-movflags", "+faststart", seconds=6.0)
    told, picture = read(whole[: len(whole) * 2 // 3])
    assert told["damaged"]
    assert colours(picture) == ["red", "lime", "blue", "yellow"]


def test_sound_alone_is_no_film() -> None:
    sound = films.ffmpeg("-f", "lavfi", "-i", "sine=d=1", *AAC, name="sound.mp4")
    with pytest.raises(errors.Unreadable, match="only sound"):
        read(sound)


def test_the_cover_of_a_recording_is_no_film() -> None:
    words = ["-f", "lavfi", "-i", "sine=d=1", "-f", "lavfi", "-i", "color=red:s=64x64:d=0.04"]
    words += ["-map", "0", "-map", "1", *AAC, "-c:v", "mjpeg", "-disposition:v", "attached_pic"]
    with pytest.raises(errors.Unreadable, match="only sound"):
        read(films.ffmpeg(*words, "-f", "mp4", name="sound.mp4"))


def test_a_film_too_large_for_the_memory_costs_nothing_else() -> None:
    large = film(*H264, "-vf", "scale=7680:4320", seconds=0.04)
    with pytest.raises(sandbox.ChildFailed) as caught:
        read(large, sandbox.Limits(memory=64 << 20, seconds=60))
    assert str(caught.value) == sandbox.TOO_MUCH_MEMORY


# What ffmpeg may not do


def test_only_the_file_is_read(tmp_path: Any) -> None:
    """A list of files in the clothes of a film is not followed, whatever it is called."""
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(film())
    lists = [
        f"ffconcat version 1.0\nfile {secret}\n",
        f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{secret}\n#EXT-X-ENDLIST\n",
    ]
    for text in lists:
        for container in (containers.MP4, *containers.OTHERS.values()):
            evil = tmp_path / "evil"
            evil.write_text(text)
            command = ["ffprobe", "-v", "error", "-show_streams", *video.source(container.demuxer)]
            with evil.open("rb") as file:
                done = subprocess.run(command, stdin=file, capture_output=True, text=True)
            assert "codec_type=video" not in done.stdout


def test_no_network_is_asked(tmp_path: Any) -> None:
    films.part("strace")
    (tmp_path / "film").write_bytes(film())
    words = ["strace", "-f", "-e", "trace=socket,connect", "ffmpeg", "-v", "error", "-nostdin"]
    words += [*video.source("mov"), "-frames:v", "1", "-f", "null", "-"]
    with (tmp_path / "film").open("rb") as file:
        done = subprocess.run(words, stdin=file, capture_output=True, text=True)
    assert done.returncode == 0
    assert not re.search(r"AF_INET|connect\(", done.stderr)


def test_curious_codecs_are_not_decoded() -> None:
    odd = film("-c:v", "qtrle", name="odd.mov")
    with pytest.raises(errors.Unreadable):
        read(odd)


def test_without_ffmpeg_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert not video.is_possible()
    with pytest.raises(errors.NotInstalled, match="ffmpeg is not installed on the server"):
        video.check_possible()


def test_ffmpeg_ends_with_the_child_that_started_it() -> None:
    """A file that keeps it busy for ever must not keep it for longer than its limit."""
    began = time.monotonic()
    with pytest.raises(sandbox.ChildFailed) as caught:
        sandbox.run(_endless, limits=sandbox.Limits(memory=MEMORY, wall=1.0))
    assert str(caught.value) == sandbox.TOO_LONG
    assert time.monotonic() - began < 10
    deadline = time.monotonic() + 5
    while (left := _running("anullsrc=d=98765")) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == []


def _endless() -> tuple[Any, list[bytes]]:
    words = ["ffmpeg", "-nostdin", "-re", "-f", "lavfi", "-i", "anullsrc=d=98765", "-f", "null"]
    with open(os.devnull, "rb") as file:
        video._run([*words, "-"], file, MEMORY)
    return None, []


def _running(word: str) -> list[str]:
    found = []
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline") as file:
                found += [pid] if word in file.read() else []
        except OSError:
            continue
    return found


# Pure


def stream(**values: Any) -> dict[str, Any]:
    plain = {"index": 0, "codec_type": "video", "codec_name": "h264", "width": 640, "height": 360}
    return plain | values


def film_of(*streams: dict[str, Any], **about: Any) -> video.Film:
    found = {"streams": list(streams), "format": about}
    return video.film_of(json.loads(json.dumps(found)), containers.MP4)


@pytest.mark.parametrize(
    ("values", "size"),
    [
        ({}, (640, 360)),
        ({"sample_aspect_ratio": "0:1"}, (640, 360)),
        ({"sample_aspect_ratio": "4:3"}, (853, 360)),
        ({"sample_aspect_ratio": "1:99999"}, (640, 360)),
        ({"sample_aspect_ratio": "a:b"}, (640, 360)),
        ({"side_data_list": [{}, {"rotation": -90}]}, (360, 640)),
        ({"side_data_list": [{"rotation": 180}]}, (640, 360)),
        ({"sample_aspect_ratio": "2:1", "side_data_list": [{"rotation": 270}]}, (360, 1280)),
    ],
)
def test_the_size_is_that_on_show(values: dict[str, Any], size: tuple[int, int]) -> None:
    found = film_of(stream(**values))
    assert (found.width, found.height) == size


@pytest.mark.parametrize("text", ["N/A", "-1", "0", "1e400", "nan", "", None, "99999999999"])
def test_lengths_that_cannot_be_are_not_believed(text: Any) -> None:
    assert film_of(stream(), duration=text).duration is None


def test_streams_of_unknown_kind_are_stepped_over() -> None:
    strange = {"index": 0, "codec_type": "video", "width": 5, "height": 5}
    cover = stream(index=1, disposition={"attached_pic": 1})
    data = {"index": 2, "codec_type": "data"}
    sound = {"index": 4, "codec_type": "audio", "codec_name": "aac"}
    found = film_of(strange, cover, data, stream(index=3), sound)
    assert (found.stream, found.sound_stream, found.sound) == (3, 4, "aac")
