"""The tables. Moments are seconds since 1970 (UTC); wall-clock times are text without a zone."""

import time
from typing import Any

from peewee import (
    AutoField,
    BigIntegerField,
    BooleanField,
    DoubleField,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
)

from homequeue.db import db


class Table(Model):
    """A table of the house."""

    class Meta:
        """Where every table lives."""

        database = db
        legacy_table_names = False


class User(Table):
    """Someone who may sign in."""

    id = AutoField()
    name = TextField(unique=True)
    password = TextField()
    is_admin = BooleanField(default=False)
    created_at = DoubleField(default=time.time)


class Session(Table):
    """A browser that is signed in; only the SHA-256 of its cookie is stored."""

    digest = TextField(primary_key=True)
    user = ForeignKeyField(User, on_delete="CASCADE")
    created_at = DoubleField(default=time.time)
    expires_at = DoubleField(index=True)


class Token(Table):
    """A program's way in; only the SHA-256 of it is stored."""

    id = AutoField()
    digest = TextField(unique=True)
    user = ForeignKeyField(User, on_delete="CASCADE")
    name = TextField()
    scope = TextField()
    created_at = DoubleField(default=time.time)
    expires_at = DoubleField(null=True)


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
    favorite = BooleanField(default=False)
    damaged = BooleanField(default=False)
    error = TextField(null=True)
    trashed_at = DoubleField(null=True)
    notified_at = DoubleField(null=True)

    class Meta:
        """The same bytes are one asset of an owner."""

        indexes = (
            (("owner", "checksum"), True),
            (("owner", "trashed_at", "taken_at", "id"), False),
            (("owner", "trashed_at", "state"), False),
        )


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


class Job(Table):
    """One run of a task: a row in the ledger. States and moves are in `ledger`."""

    id = AutoField()
    task = TextField()
    args = TextField(default="[]")
    state = TextField(default="queued")
    priority = IntegerField(default=0)
    key = TextField(null=True)
    asset = IntegerField(null=True, column_name="asset_id", index=True)
    user = IntegerField(null=True, column_name="user_id")
    parent = IntegerField(null=True, column_name="parent_id", index=True)
    batch = IntegerField(null=True, column_name="batch_id", index=True)
    follower = IntegerField(null=True, column_name="follower_id", index=True)
    waits_for = IntegerField(default=0)
    needs_success = BooleanField(default=True)
    attempts = IntegerField(default=0)
    deaths = IntegerField(default=0)
    max_attempts = IntegerField(default=1)
    queued_at = DoubleField(default=time.time)
    due_at = DoubleField(default=time.time)
    expires_at = DoubleField(null=True)
    timeout = DoubleField(null=True)
    started_at = DoubleField(null=True)
    finished_at = DoubleField(null=True, index=True)
    worker = TextField(null=True)
    stopped_by = TextField(null=True)
    progress = DoubleField(null=True)
    step = TextField(null=True)
    result = TextField(null=True)
    error = TextField(null=True)
    traceback = TextField(null=True)
    memory = BigIntegerField(null=True)
    log = TextField(default="")
    history = TextField(default="")


class Batch(Table):
    """Jobs that one act of a person set off, such as an upload of many photos."""

    id = AutoField()
    kind = TextField()
    user = IntegerField(null=True, column_name="user_id")
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


class Upload(Table):
    """A resumable upload, and what became of it; how far it has come is the size of its file."""

    id = TextField(primary_key=True)
    user = ForeignKeyField(User, on_delete="CASCADE")
    size = BigIntegerField()
    metadata = TextField(default="")
    made_at = DoubleField(default=time.time)
    ended_at = DoubleField(null=True)
    asset = IntegerField(null=True, column_name="asset_id")
    batch = IntegerField(null=True, column_name="batch_id")
    outcome = TextField(null=True)


class Periodic(Table):
    """When a periodic task was last due, so that it runs once however often homequeue restarts."""

    task = TextField(primary_key=True)
    last_due = DoubleField()
    job = IntegerField(null=True, column_name="job_id")
    is_on = BooleanField(default=True)


class Worker(Table):
    """A process that runs jobs; `identity` tells whether it still lives."""

    identity = TextField(primary_key=True)
    parent = TextField()
    name = TextField(default="worker")
    started_at = DoubleField(default=time.time)
    seen_at = DoubleField(default=time.time)


class Deed(Table):
    """Something a person did to the queue: who, when, what."""

    id = AutoField()
    at = DoubleField(default=time.time, index=True)
    who = TextField()
    words = TextField()


class Tally(Table):
    """How the jobs of a task fared in one hour; spans in seconds, `hour` in hours since 1970."""

    id = AutoField()
    hour = IntegerField()
    task = TextField()
    succeeded = IntegerField()
    failed = IntegerField()
    wait = DoubleField()
    median = DoubleField()
    p95 = DoubleField()

    class Meta:
        """One row for each hour and task."""

        indexes = ((("hour", "task"), True),)


class Fact(Table):
    """A single thing worth remembering: a small JSON value under a name."""

    name = TextField(primary_key=True)
    value = TextField()


TABLES: tuple[type[Any], ...] = (
    User,
    Session,
    Token,
    Asset,
    Rendition,
    Job,
    Batch,
    Receipt,
    Upload,
    Periodic,
    Worker,
    Deed,
    Tally,
    Fact,
)
