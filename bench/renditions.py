"""Renditions beside vipsthumbnail and plain Pillow: photos a second, likeness, memory.

python -m bench.renditions [how many photos] [how many rounds]
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image, ImageMath, ImageOps

from homequeue.services import imaging, sandbox
from tests import pictures

SIZE = 4032, 3024
PREVIEW, THUMBNAIL = 1440, 256
SPECS = replace(imaging.PREVIEW, edge=PREVIEW), replace(imaging.THUMBNAIL, edge=THUMBNAIL)
MEMORY = 1 << 30
#: Bars: against vipsthumbnail, SSIM of preview and thumbnail, megabytes above idle.
BARS = {"speed": 1.9, "preview": 0.955, "thumbnail": 0.97, "memory": 60}

Maker = Callable[[list[Path], Path], None]


def main(photos: int = 24, rounds: int = 5) -> bool:
    """Measure and print; True if every bar was reached."""
    os.environ["VIPS_CONCURRENCY"] = "1"
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as folder:
        files = apart(make_photos, Path(folder), photos)
        sizes = [file.stat().st_size / 1e6 for file in files]
        print(f"{photos} baseline JPEGs of 12 MP, {statistics.mean(sizes):.1f} MB each, one core")
        good = speed(files, Path(folder), rounds)
        return memory(Path(folder)) and good


def apart(make: Callable[[Path, int], None], folder: Path, count: int) -> list[Path]:
    """Make files in a child: a parent that has grown large forks slowly, and a worker is small."""
    if not os.fork():
        make(folder, count)
        os._exit(0)
    os.wait()
    return sorted(folder.glob("*.jpg"))


def make_photos(folder: Path, count: int) -> None:
    """The same photos every time: detail as from a camera, orientations, a phone's profile."""
    scenes = [grain(pictures.photo(*SIZE, seed)) for seed in range(min(count, 4))]
    turns = list(Image.Transpose)[:2]
    for number in range(count):
        scene = scenes[number % len(scenes)]
        if number >= len(scenes):
            scene = scene.transpose(turns[number // len(scenes) % 2])
        file = folder / f"photo{number:02}.jpg"
        orientation = pictures.exif({0x0112: (1, 6, 1, 8, 1, 3)[number % 6], 0x010F: "ACME"})
        scene.save(file, quality=93, exif=orientation, icc_profile=pictures.display_p3())


def grain(photo: Image.Image) -> Image.Image:
    """The noise of a sensor: it fills the file and vanishes in the preview."""
    noise = pictures.noise(photo.size, seed=len(photo.tobytes()) % 97)
    return Image.blend(photo, noise.convert("RGB"), 0.05)


def speed(files: list[Path], folder: Path, rounds: int) -> bool:
    """All makers in turn, round after round, so that a noisy neighbour troubles each the same."""
    makers: dict[str, Maker] = {"homequeue": ours, "in children": ours_apart, "Pillow": naive}
    if shutil.which("vipsthumbnail"):
        makers |= {"vipsthumbnail": vips, "one by one": vips_apart}
    seconds: dict[str, list[float]] = {name: [] for name in makers}
    for _ in range(rounds):
        for name, make in makers.items():
            target = folder / name.replace(" ", "-")
            target.mkdir(exist_ok=True)
            began = time.perf_counter()
            make(files, target)
            seconds[name].append(time.perf_counter() - began)
    # The best round of each: what is left then is the work, without the neighbours.
    rates = {name: len(files) / min(took) for name, took in seconds.items()}
    best = rates["homequeue"]
    likeness = {name: compare(files, folder / name.replace(" ", "-")) for name in makers}
    print(f"{'':<14}{'photos/s':>9}{'ours is':>9}{'SSIM preview':>14}{'least':>7}", end="")
    print(f"{'thumbnail':>11}{'least':>7}")
    for name, rate in rates.items():
        (preview, thumb), (least, worst) = likeness[name]
        print(f"{name:<14}{rate:>9.1f}{best / rate:>8.2f}×{preview:>14.4f}{least:>7.3f}", end="")
        print(f"{thumb:>11.4f}{worst:>7.3f}")
    (preview, thumb), _ = likeness["homequeue"]
    good = preview >= BARS["preview"] and thumb >= BARS["thumbnail"]
    print(f"bars: ≥ {BARS['speed']}× vipsthumbnail, SSIM {BARS['preview']} and {BARS['thumbnail']}")
    return good and best / rates.get("vipsthumbnail", best / 9) >= BARS["speed"]


def ours(files: list[Path], target: Path) -> None:
    """The rendering alone, one photo after the other in this process."""
    for file in files:
        _keep(_render(file)[1], file, target)


def ours_apart(files: list[Path], target: Path) -> None:
    """As the worker does it: each photo in a child of its own."""
    for file in files:
        answer = sandbox.run(_render, file, limits=sandbox.Limits(memory=MEMORY))
        _keep(answer.blobs, file, target)


def _keep(blobs: list[bytes], file: Path, target: Path) -> None:
    for blob, ending in zip(blobs, ("jpg", "webp"), strict=True):
        (target / f"{file.stem}.{ending}").write_bytes(blob)


def _render(file: Path) -> tuple[Any, list[bytes]]:
    with file.open("rb") as opened:
        made = imaging.render(opened, SPECS, MEMORY)
    return made.damaged, [picture.data for picture in made.pictures]


def vips(files: list[Path], target: Path) -> None:
    """Its best: two processes for all photos, the thumbnail from the preview."""
    command = ["vipsthumbnail", *map(str, files), "-s", str(PREVIEW)]
    subprocess.run([*command, "-o", f"{target}/%s.jpg[Q=80]"], check=True)
    previews = [str(target / f"{file.stem}.jpg") for file in files]
    command = ["vipsthumbnail", *previews, "-s", str(THUMBNAIL)]
    subprocess.run([*command, "-o", f"{target}/%s.webp[Q=80,effort=2]"], check=True)


def vips_apart(files: list[Path], target: Path) -> None:
    """As programs call it for photos that arrive one by one."""
    for file in files:
        vips([file], target)


def naive(files: list[Path], target: Path) -> None:
    """As most programs do it: all pixels, Lanczos, twice."""
    for file in files:
        picture = ImageOps.exif_transpose(Image.open(file))
        profile = picture.info.get("icc_profile")
        preview = fitted(picture, PREVIEW)
        preview.save(target / f"{file.stem}.jpg", quality=80, icc_profile=profile)
        thumbnail = fitted(picture, THUMBNAIL)
        thumbnail.save(target / f"{file.stem}.webp", quality=80, method=2, icc_profile=profile)


def fitted(picture: Image.Image, edge: int) -> Image.Image:
    """The whole picture through Lanczos: the reference."""
    scale = edge / max(picture.size)
    size = round(picture.width * scale), round(picture.height * scale)
    return picture.resize(size, Image.Resampling.LANCZOS)


def compare(files: list[Path], made: Path) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and least SSIM of the first previews and thumbnails against their references."""
    rows = []
    for file in files[:6]:
        whole = ImageOps.exif_transpose(Image.open(file)).convert("RGB")
        ours = [Image.open(made / f"{file.stem}.{ending}") for ending in ("jpg", "webp")]
        rows.append([ssim(one, fitted(whole, max(one.size))) for one in ours])
    columns = list(zip(*rows, strict=True))
    return tuple(map(statistics.mean, columns)), tuple(map(min, columns))


def ssim(one: Image.Image, other: Image.Image, window: int = 7) -> float:
    """Structural similarity of luma, Wang 2004, in windows of 7 × 7 at nine offsets."""
    results = []
    for left, top in ((x, y) for x in (0, 2, 5) for y in (0, 3, 5)):
        right = left + (one.width - left) // window * window
        bottom = top + (one.height - top) // window * window
        box = (left, top, right, bottom)
        a, b = (picture.convert("L").crop(box).convert("F") for picture in (one, other))
        results.append(_ssim(a, b, window))
    return statistics.mean(results)


def _ssim(a: Image.Image, b: Image.Image, window: int) -> float:
    def product(x: Image.Image, y: Image.Image) -> Image.Image:
        return ImageMath.lambda_eval(lambda v: v["x"] * v["y"], x=x, y=y)

    planes = {"a": a, "b": b, "aa": product(a, a), "bb": product(b, b), "ab": product(a, b)}
    means = {name: plane.reduce(window) for name, plane in planes.items()}
    first, second = (0.01 * 255) ** 2, (0.03 * 255) ** 2

    def formula(v: dict[str, Any]) -> Any:
        squares = v["a"] * v["a"] + v["b"] * v["b"]
        both = v["a"] * v["b"]
        top = (both * 2 + first) * ((v["ab"] - both) * 2 + second)
        return top / ((squares + first) * (v["aa"] + v["bb"] - squares + second))

    similar = ImageMath.lambda_eval(formula, **means)
    return float(similar.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0)))


def memory(folder: Path) -> bool:
    """The peak of a child that renders 108 MP above that of one that renders nothing."""
    (folder / "large").mkdir()
    (file,) = apart(make_large, folder / "large", 1)
    command = [sys.executable, "-m", "bench.renditions", "--peak", str(file)]
    above = int(subprocess.run(command, check=True, capture_output=True).stdout) / 1e6
    print(f"108 MP baseline JPEG: {above:.0f} MB above idle (bar: {BARS['memory']})")
    return above <= BARS["memory"]


def make_large(folder: Path, _: int) -> None:
    """One photo of 108 MP."""
    large = pictures.photo(3000, 2250).resize((12000, 9000), Image.Resampling.BICUBIC)
    large.save(folder / "large.jpg", quality=90)


def _peak(file: Path) -> None:
    idle = sandbox.run(lambda: (None, [])).peak_memory
    print(sandbox.run(_render, file).peak_memory - idle)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--peak"]:
        _peak(Path(sys.argv[2]))
    elif not main(*map(int, sys.argv[1:])):
        sys.exit("a bar was missed")
