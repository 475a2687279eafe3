"""How photos come, and what became of each."""

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
from homequeue.models.library import Asset
from homequeue.models.people import User


class Share(Table):
    """A link that lets in somebody without an account; only the SHA-256 of its token is stored."""

    id = AutoField()
    kind = TextField(default="drop")
    digest = TextField(unique=True)
    user = ForeignKeyField(User, on_delete="CASCADE")
    user_id: int
    title = TextField()
    album = TextField(default="")
    needs_approval = BooleanField(default=True)
    max_files = IntegerField()
    max_size = BigIntegerField()
    #: How many files came by it to its user, of how many bytes.
    files = IntegerField(default=0)
    size = BigIntegerField(default=0)
    created_at = DoubleField(default=time.time)
    expires_at = DoubleField()
    ended_at = DoubleField(null=True)


class Guest(Table):
    """A browser that came by a link; only the SHA-256 of its cookie is stored."""

    id = AutoField()
    digest = TextField(unique=True)
    share = ForeignKeyField(Share, backref="guests", on_delete="CASCADE")
    share_id: int
    name = TextField(default="")
    created_at = DoubleField(default=time.time)


class Batch(Table):
    """Jobs that one act of a person set off, such as an upload of many photos."""

    id = AutoField()
    kind = TextField()
    user = IntegerField(null=True, column_name="user_id")
    came_by = TextField(default="")
    guest = IntegerField(null=True, column_name="guest_id")
    made_at = DoubleField(default=time.time)
    touched_at = DoubleField(default=time.time, index=True)


class Receipt(Table):
    """What became of one file of a batch: its outcome is one of `receipts.OUTCOMES`."""

    id = AutoField()
    batch = ForeignKeyField(Batch, on_delete="CASCADE")
    batch_id: int
    filename = TextField()
    size = BigIntegerField(null=True)
    asset = IntegerField(null=True, column_name="asset_id")
    outcome = TextField()
    words = TextField(default="")
    at = DoubleField(default=time.time)


class Sighting(Table):
    """That an import has brought in a file which it may see again; `mark` changes with the file."""

    mark = TextField(primary_key=True)
    asset = ForeignKeyField(Asset, on_delete="CASCADE")
    batch = ForeignKeyField(Batch, on_delete="CASCADE")


class Upload(Table):
    """A resumable upload, and what became of it; how far it has come is the size of its file."""

    id = TextField(primary_key=True)
    user = ForeignKeyField(User, on_delete="CASCADE")
    guest = ForeignKeyField(Guest, null=True, on_delete="CASCADE")
    size = BigIntegerField()
    metadata = TextField(default="")
    made_at = DoubleField(default=time.time)
    ended_at = DoubleField(null=True)
    asset = IntegerField(null=True, column_name="asset_id")
    batch = IntegerField(null=True, column_name="batch_id")
    outcome = TextField(null=True)


class Deposit(Table):
    """A file that came by WebDAV, shown at its place also when it was taken from the inbox."""

    id = AutoField()
    user = ForeignKeyField(User, on_delete="CASCADE")
    user_id: int
    folder = TextField()
    name = TextField()
    size = BigIntegerField()
    checksum = TextField()
    modified_at = DoubleField()
    seen_at = DoubleField(default=time.time, index=True)

    class Meta:
        """One at a place."""

        indexes = ((("user", "folder", "name"), True),)
