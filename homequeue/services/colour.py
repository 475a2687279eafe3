"""Colour: what profiles and named colour spaces mean, as numbers; no picture is touched."""

import math
import struct
from collections.abc import Callable
from operator import mul
from typing import TypeGuard

#: Red, green and blue of sRGB as ICC profiles give them, adapted to D50.
SRGB_PRIMARIES = {
    b"rXYZ": (0.4361, 0.2225, 0.0139),
    b"gXYZ": (0.3851, 0.7169, 0.0971),
    b"bXYZ": (0.1431, 0.0606, 0.7139),
}
#: Linear light of BT.709 (1), BT.2020 (9) and P3 (12) primaries in that of sRGB.
TO_SRGB = {
    1: ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    9: ((1.6605, -0.5876, -0.0728), (-0.1246, 1.1329, -0.0083), (-0.0182, -0.1006, 1.1187)),
    12: ((1.2249, -0.2247, -0.0002), (-0.0420, 1.0419, 0.0001), (-0.0197, -0.0786, 1.0983)),
}


def is_whole(profile: object) -> TypeGuard[bytes]:
    """Whether this is a profile of ICC.1 with all the bytes it says it has."""
    if not isinstance(profile, bytes) or profile[36:40] != b"acsp":
        return False
    return 132 < int.from_bytes(profile[:4]) <= len(profile)


def is_srgb(profile: bytes) -> bool:
    """Compare primaries and mid grey with sRGB's: names lie, and there are hundreds of them."""
    try:
        (count,) = struct.unpack_from(">I", profile, 128)
        rows = struct.iter_unpack(">4sII", profile[132 : 132 + 12 * min(count, 64)])
        tags = {name: profile[at : at + size] for name, at, size in rows}
        for name, wanted in SRGB_PRIMARIES.items():
            values = struct.unpack_from(">3i", tags[name], 8)
            if any(abs(v / 65536 - w) > 0.004 for v, w in zip(values, wanted, strict=True)):
                return False
        return abs(_mid_grey(tags[b"gTRC"]) - 0.2140) < 0.002
    except (KeyError, struct.error, ValueError, ArithmeticError):
        return False


def _mid_grey(curve: bytes) -> float:
    """Linear light at half signal, from a `curv` or `para` tag of ICC.1."""
    if curve[:4] == b"para":
        (kind,) = struct.unpack_from(">H", curve, 8)
        g, a, b = (v / 65536 for v in struct.unpack_from(">3i", curve, 12)) if kind else (0, 1, 0)
        g = g if kind else struct.unpack_from(">i", curve, 12)[0] / 65536
        return float((a * 0.5 + b) ** g)
    (count,) = struct.unpack_from(">I", curve, 8)
    if count < 2:
        return float(0.5 ** (struct.unpack_from(">H", curve, 12)[0] / 256 if count else 1))
    low, high = struct.unpack_from(">2H", curve, 12 + (count - 1) // 2 * 2)
    return float(low if count % 2 else (low + high) / 2) / 65535


def bring_to_srgb(primaries: int, transfer: int) -> Callable[..., tuple[float, ...]] | None:
    """What makes sRGB of HDR (PQ 16, HLG 18) and wide primaries (BT.2020 9, P3 12), if needed."""
    matrix = TO_SRGB.get(primaries, TO_SRGB[1])
    light = {16: _pq, 18: _hlg}.get(transfer, _gamma)
    if matrix is TO_SRGB[1] and light is _gamma:
        return None

    def bring(*signal: float) -> tuple[float, ...]:
        linear = [light(value) for value in signal]
        mixed = [sum(map(mul, row, linear)) for row in matrix]
        return tuple(_signal(value if light is _gamma else _bend(value)) for value in mixed)

    return bring


def _gamma(signal: float) -> float:
    return float(((signal + 0.055) / 1.055) ** 2.4) if signal > 0.04045 else signal / 12.92


def _pq(signal: float) -> float:
    """SMPTE ST 2084, in units of the 203 cd/m² that BT.2408 gives to white paper."""
    power = signal ** (1 / 78.84375)
    share = max(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)
    return float(share ** (1 / 0.1593017578)) * 10000 / 203


def _hlg(signal: float) -> float:
    """BT.2100 for a display of 1000 cd/m², in the same units."""
    low, high = signal**2 / 3, math.exp((signal - 0.55991073) / 0.17883277) / 12 + 0.02372241
    return float((low if signal <= 0.5 else high) ** 1.2) * 1000 / 203


def _bend(light: float) -> float:
    """Above half of white more light adds less, so that highlights keep detail."""
    return light if light < 0.5 else 1 - 0.5 * math.exp(1 - 2 * light)


def _signal(light: float) -> float:
    light = min(max(light, 0), 1)
    return float(1.055 * light ** (1 / 2.4) - 0.055) if light > 0.0031308 else light * 12.92
