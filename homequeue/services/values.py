"""Values: texts and numbers of tags, taken only as far as they make sense."""

import math
from contextlib import suppress
from typing import Any

#: Characters of a text that are looked at.
MOST_TEXT = 2000
#: Metres below and above the sea where photos are taken: the deepest trench, the edge of space.
LOWEST, HIGHEST = 11_000, 100_000
#: What cameras write where a caption belongs, in small letters; of such lists those of PhotoPrism
#: (pkg/meta/sanitize.go) and KPhotoAlbum (commentsToStrip), without what people write too.
FILLERS = {
    *("olympus digital camera", "konica minolta digital camera", "minolta digital camera"),
    *("jenoptik digital camera", "minolta dsc", "sony dsc", "samsung camera pictures", "samsung"),
    *("<digimax i5, samsung #1>", "exif_jpeg_picture", "image-description", "binary comment"),
    *("charset=ascii", "dvc 10.1 hdmi", "created by imlib"),
    # Modes of phones of Huawei and Honor.
    *("rhdr", "hdrpl", "oznor", "oznorwo", "fbt", "fbthdr", "frontbhdp", "btf", "btfhdr", "btfmdn"),
    *("rbt", "rpt", "qrf", "cof", "mde", "mde_soft", "sdr_hdrb", "fshbty", "edf", "frem", "ptr"),
}


def text(value: Any) -> str | None:
    """Return text up to its first null, without control characters; bytes and Latin-1 as UTF-8."""
    if isinstance(value, str):
        # Pillow reads ASCII tags as Latin-1, phones write UTF-8 into them.
        with suppress(UnicodeError):
            value = value.encode("latin-1").decode("utf-8")
    elif isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    else:
        return None
    value = value.partition("\0")[0][:MOST_TEXT]
    kept = (c for c in value if c == "\n" or (c.isprintable() and c != "\ufffd"))
    return "".join(kept).strip() or None


def caption(value: Any) -> str | None:
    """Return a text that a person may have written, not what cameras write in its place.

    >>> caption("SONY DSC  "), caption("DCIM\\\\100MEDIA\\\\DJI_1.JPG"), caption("A Sony DSC-P1")
    (None, None, 'A Sony DSC-P1')
    """
    found = text(value)
    if found is None or " ".join(found.split()).casefold() in FILLERS:
        return None
    is_path = found.startswith("DCIM\\") and " " not in found
    return None if is_path else found


def line(value: Any) -> str | None:
    """Return a text as one line, its spaces folded."""
    return " ".join((text(value) or "").split()) or None


def decoded(value: Any, encoding: str) -> str | None:
    """Return bytes as text of an encoding, what does not fit left out."""
    return value.decode(encoding, "ignore") if isinstance(value, bytes) else None


def number(value: Any) -> float | None:
    """Return a number above zero; of several the first, as with ISO."""
    if isinstance(value, tuple) and value:
        value = value[0]
    if isinstance(value, str):
        value = fraction(value)
    try:
        found = float(value)
    except (TypeError, ValueError, ArithmeticError):
        return None
    return found if math.isfinite(found) and 0 < found < 1e9 else None


def rounded(value: Any) -> float | None:
    """Return a number above zero with two digits."""
    found = number(value)
    return None if found is None else round(found, 2)


def whole(value: Any, least: int, most: int) -> int | None:
    """Return a whole number of a range."""
    found = number(value)
    return int(found) if found is not None and least <= found <= most else None


def fraction(value: str | None) -> float | None:
    """Return what '28/10' or '2.8' is, as XMP writes numbers; nothing for division by zero.

    >>> fraction("28/10"), fraction("0/0")
    (2.8, None)
    """
    above, _, below = (value or "").partition("/")
    try:
        return float(above) / float(below or 1)
    except (ValueError, ArithmeticError):
        return None


def numbers(value: Any) -> tuple[float, float, float] | None:
    """Return three finite numbers of zero or more, as degrees and times come; missing ones 0."""
    try:
        found = [float(one) for one in (value if isinstance(value, tuple) else (value,))]
    except (TypeError, ValueError, ArithmeticError):
        return None
    if not found or not all(math.isfinite(n) and n >= 0 for n in found):
        return None
    first, second, third = [*found, 0.0, 0.0][:3]
    return first, second, third


def metres(value: Any, *, below: bool) -> float | None:
    """Return an altitude in metres that somebody on or above the Earth can have."""
    try:
        found = float(value)
    except (TypeError, ValueError, ArithmeticError):
        return None
    found = -found if below else found
    return round(found, 1) if -LOWEST <= found <= HIGHEST else None
