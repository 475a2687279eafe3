"""Raw files as pictures: the one that the camera put in, or, where that is missing, developed.

Developing takes rawpy, of the extra `raw`, which is imported in the child that opens the file.
"""

import importlib.util
import io
import os
import pkgutil
from collections.abc import Sequence
from dataclasses import replace
from typing import BinaryIO

from PIL import Image

from homequeue import errors
from homequeue.services import imaging, raw

LACKING = (
    "This is a camera raw file without a picture in it, and nothing that could develop it is "
    "installed on the server."
)
MISSING = f"{LACKING} It is kept, and shown once whoever runs the server has installed it."
FAILED = "This camera raw file has no picture in it and cannot be developed. It is kept as it is."
#: A picture whose long edge is below this part of the largest wanted is better developed.
TOO_SMALL = 0.5
#: What the libraries below rawpy are told, for each would start a thread for every core.
ALONE = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def is_possible() -> bool:
    """Tell whether rawpy is installed."""
    return importlib.util.find_spec("rawpy") is not None


def render(
    file: BinaryIO, specs: Sequence[imaging.Spec], memory: int, orientation: int
) -> imaging.Rendered:
    """Make the renditions of a raw file, as `imaging.render` does; for the sandbox.

    Raises NotInstalled if it has to be developed and cannot be for want of rawpy, Unreadable if it
    cannot be at all.
    """
    edge = max(spec.edge for spec in specs)
    inside = raw.picture(file)
    if inside is not None and (max(inside.width, inside.height) >= edge * TOO_SMALL):
        return imaging.render(inside.data, specs, memory, orientation=orientation)
    try:
        return _render_developed(file, specs, memory, orientation)
    except (errors.HomequeueError, MemoryError):
        if inside is None:
            raise
    return imaging.render(inside.data, specs, memory, orientation=orientation)


def _render_developed(
    file: BinaryIO, specs: Sequence[imaging.Spec], memory: int, orientation: int
) -> imaging.Rendered:
    developed, scale = _develop(file, max(spec.edge for spec in specs))
    rendered = imaging.render(developed, specs, memory, orientation=orientation)
    return replace(rendered, width=rendered.width * scale, height=rendered.height * scale)


def _develop(file: BinaryIO, edge: int) -> tuple[io.BytesIO, int]:
    """Develop a raw file to a TIFF in sRGB, not turned, and by how much it is larger than that.

    Four sensor elements become one pixel where that leaves `edge` pixels: it takes a quarter of
    the memory, and a tenth of the time.
    """
    if not is_possible():
        raise errors.NotInstalled(MISSING)
    os.environ.update(ALONE)
    rawpy = pkgutil.resolve_name("rawpy")
    try:
        with rawpy.imread(f"/proc/self/fd/{file.fileno()}") as negative:
            halve = max(negative.sizes.iwidth, negative.sizes.iheight) >= 2 * edge
            pixels = negative.postprocess(half_size=halve, use_camera_wb=True, user_flip=0)
    except (rawpy.LibRawUnsufficientMemoryError, rawpy.LibRawMemPoolOverflowError) as error:
        raise MemoryError(str(error)) from error
    except (rawpy.LibRawError, rawpy.NotSupportedError) as error:
        raise errors.Unreadable(FAILED) from error
    developed = io.BytesIO()
    Image.fromarray(pixels).save(developed, "TIFF")
    return developed, 2 if halve else 1
