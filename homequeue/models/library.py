"""What is kept, what is made of it, and what people did with it."""

import time

from peewee import (
    AutoField,
    BigIntegerField,
    BooleanField,
    DoubleField,
    ForeignKeyField,
    IntegerField,
    TextField,
)

from homequeue.models.base import Table
from homequeue.models.people import User


class Asset(Table):
    """One original and all we know of it."""

    id = AutoField()
    owner = ForeignKeyField(User, on_delete="RESTRICT")
    owner_id: int
    checksum = TextField()
    state = TextField(default="pending")
    kind = TextField(default="photo")
    mime = TextField()
    filename = TextField()
    path = TextField()
    size = BigIntegerField()
    width = IntegerField(null=True)
    height = IntegerField(null=True)
    taken_at = TextField()
    taken_offset = TextField(null=True)
    taken_at_source = TextField()
    #: Why the date is doubtful, one of `doubts.REASONS`, and another that may be right.
    doubt = TextField(null=True)
    candidate = TextField(null=True)
    candidate_source = TextField(null=True)
    uploaded_at = DoubleField(default=time.time)
    modified_at = DoubleField(null=True)
    make = TextField(null=True)
    model = TextField(null=True)
    lens = TextField(null=True)
    exposure = TextField(default="{}")
    lat = DoubleField(null=True)
    lon = DoubleField(null=True)
    altitude = DoubleField(null=True)
    duration = DoubleField(null=True)
    playable = BooleanField(default=False)
    rating = IntegerField(null=True)
    caption = TextField(null=True)
    tags = TextField(default="[]")
    edited = TextField(default="[]")
    sidecar = TextField(default="")
    thumbhash = TextField(null=True)
    fingerprint = TextField(null=True)
    dhash = TextField(null=True)
    animated = BooleanField(default=False)
    motion = TextField(null=True)
    #: What a Live Photo and its clip share, the id of the other one, and whether it is the clip.
    content_id = TextField(null=True)
    pair = IntegerField(null=True, column_name="pair_id", index=True)
    is_clip = BooleanField(default=False)
    favorite = BooleanField(default=False)
    damaged = BooleanField(default=False)
    error = TextField(null=True)
    #: When it was put out of sight: into the trash, or to wait for a yes (then `awaits`).
    trashed_at = DoubleField(null=True)
    awaits = BooleanField(default=False)
    share = IntegerField(null=True, column_name="share_id")
    guest = TextField(null=True)
    notified_at = DoubleField(null=True)

    class Meta:
        """The same bytes are one asset of an owner."""

        indexes = (
            (("owner", "checksum"), True),
            (("owner", "trashed_at", "taken_at", "id", "is_clip"), False),
            (("owner", "content_id"), False),
            (("owner", "trashed_at", "is_clip", "state"), False),
        )


class Album(Table):
    """A named collection of an owner's assets."""

    id = AutoField()
    owner = ForeignKeyField(User, on_delete="CASCADE")
    owner_id: int
    title = TextField()
    created_at = DoubleField(default=time.time)

    class Meta:
        """No two albums of an owner have the same title."""

        indexes = ((("owner", "title"), True),)


class AlbumAsset(Table):
    """That an asset is in an album."""

    id = AutoField()
    album = ForeignKeyField(Album, backref="members", on_delete="CASCADE")
    asset = ForeignKeyField(Asset, on_delete="CASCADE")

    class Meta:
        """Once, however often it is put there."""

        indexes = ((("album", "asset"), True),)


class Retiming(Table):
    """Dates that somebody changed at once; `before` is what it takes to undo that."""

    id = AutoField()
    user = ForeignKeyField(User, on_delete="CASCADE")
    at = DoubleField(default=time.time)
    words = TextField()
    count = IntegerField()
    before = TextField()
    undone_at = DoubleField(null=True)


class Likeness(Table):
    """That an asset looks like the others of its group, which has the number of its first."""

    asset = ForeignKeyField(Asset, primary_key=True, on_delete="CASCADE")
    asset_id: int
    owner = ForeignKeyField(User, on_delete="CASCADE")
    group = IntegerField(column_name="group_id", index=True)
    distance = IntegerField(default=0)
    settled = BooleanField(default=False)

    class Meta:
        """What nobody has looked at yet is found at once."""

        indexes = ((("owner", "settled", "group"), False),)


class Rendition(Table):
    """A picture made from an original by a spec."""

    id = AutoField()
    asset = ForeignKeyField(Asset, backref="renditions", on_delete="CASCADE")
    asset_id: int
    spec = TextField()
    path = TextField()
    mime = TextField()
    width = IntegerField()
    height = IntegerField()
    size = IntegerField()
    checksum = TextField()

    class Meta:
        """One rendition of each spec."""

        indexes = ((("asset", "spec"), True),)
