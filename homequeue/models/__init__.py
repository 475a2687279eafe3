"""The tables. Moments are seconds since 1970 (UTC); wall-clock times are text without a zone."""

from typing import Any

from homequeue.models.arrivals import Batch, Deposit, Guest, Receipt, Share, Sighting, Upload
from homequeue.models.base import Table
from homequeue.models.library import Album, AlbumAsset, Asset, Likeness, Rendition, Retiming
from homequeue.models.people import Session, Token, User
from homequeue.models.work import Deed, Fact, Job, Periodic, Tally, Worker

__all__ = [
    "Album",
    "AlbumAsset",
    "Asset",
    "Batch",
    "Deed",
    "Deposit",
    "Fact",
    "Guest",
    "Job",
    "Likeness",
    "Periodic",
    "Receipt",
    "Rendition",
    "Retiming",
    "Session",
    "Share",
    "Sighting",
    "Table",
    "Tally",
    "Token",
    "Upload",
    "User",
    "Worker",
    "tables",
]


def tables() -> list[type[Any]]:
    """Return all of them; that of the meter stands where it counts."""
    return Table.__subclasses__()
