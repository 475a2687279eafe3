"""The first tables: frozen copies of the models, so that this step stays what it was.

The number of a user, an asset or a job is never given again: others remember it.
"""

import time
from typing import Any

from peewee import (
    AutoField,
    BooleanField,
    DoubleField,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
)
from playhouse.sqlite_ext import AutoIncrementField


class Table(Model):
    class Meta:
        legacy_table_names = False


class User(Table):
    id = AutoIncrementField()
    name = TextField(unique=True)
    password = TextField()
    is_admin = BooleanField(default=False)
    created_at = DoubleField(default=time.time)


class Session(Table):
    digest = TextField(primary_key=True)
    user = ForeignKeyField(User, on_delete="CASCADE")
    created_at = DoubleField(default=time.time)
    expires_at = DoubleField(index=True)


class Token(Table):
    id = AutoField()
    digest = TextField(unique=True)
    user = ForeignKeyField(User, on_delete="CASCADE")
    name = TextField()
    scope = TextField()
    created_at = DoubleField(default=time.time)
    expires_at = DoubleField(null=True)


class Asset(Table):
    id = AutoIncrementField()
    owner = ForeignKeyField(User, on_delete="RESTRICT")
    checksum = TextField()
    state = TextField(default="pending")
    kind = TextField(default="photo")
    mime = TextField()
    filename = TextField()
    path = TextField()
    size = IntegerField()
    width = IntegerField(null=True)
    height = IntegerField(null=True)
    taken_at = TextField()
    taken_offset = TextField(null=True)
    taken_at_source = TextField()
    uploaded_at = DoubleField(default=time.time)
    make = TextField(null=True)
    model = TextField(null=True)
    lens = TextField(null=True)
    exposure = TextField(default="{}")
    lat = DoubleField(null=True)
    lon = DoubleField(null=True)
    rating = IntegerField(null=True)
    caption = TextField(null=True)
    favorite = BooleanField(default=False)
    damaged = BooleanField(default=False)
    error = TextField(null=True)
    trashed_at = DoubleField(null=True)
    notified_at = DoubleField(null=True)

    class Meta:
        indexes = (
            (("owner", "checksum"), True),
            (("owner", "trashed_at", "taken_at", "id"), False),
            (("owner", "trashed_at", "state"), False),
        )


class Rendition(Table):
    id = AutoField()
    asset = ForeignKeyField(Asset, backref="renditions", on_delete="CASCADE")
    spec = TextField()
    path = TextField()
    mime = TextField()
    width = IntegerField()
    height = IntegerField()
    size = IntegerField()
    checksum = TextField()

    class Meta:
        indexes = ((("asset", "spec"), True),)


class Job(Table):
    id = AutoIncrementField()
    task = TextField()
    args = TextField(default="[]")
    state = TextField(default="queued")
    priority = IntegerField(default=0)
    key = TextField(null=True)
    asset = IntegerField(null=True, column_name="asset_id", index=True)
    user = IntegerField(null=True, column_name="user_id")
    parent = IntegerField(null=True, column_name="parent_id", index=True)
    attempts = IntegerField(default=0)
    deaths = IntegerField(default=0)
    max_attempts = IntegerField(default=1)
    queued_at = DoubleField(default=time.time)
    due_at = DoubleField(default=time.time)
    started_at = DoubleField(null=True)
    finished_at = DoubleField(null=True, index=True)
    worker = TextField(null=True)
    progress = DoubleField(null=True)
    result = TextField(null=True)
    error = TextField(null=True)
    traceback = TextField(null=True)


class Periodic(Table):
    task = TextField(primary_key=True)
    last_due = DoubleField()
    job = IntegerField(null=True, column_name="job_id")


class Worker(Table):
    identity = TextField(primary_key=True)
    parent = TextField()
    started_at = DoubleField(default=time.time)


class Fact(Table):
    name = TextField(primary_key=True)
    value = TextField()


TABLES = [User, Session, Token, Asset, Rendition, Job, Periodic, Worker, Fact]
WAITING = "state IN ('queued', 'scheduled', 'retrying')"


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001
    """Create them."""
    with db.bind_ctx(TABLES):
        db.create_tables(TABLES)
    db.execute_sql(f"CREATE INDEX job_waiting ON job (priority DESC, id) WHERE {WAITING}")
    db.execute_sql(f"CREATE INDEX job_key ON job (key) WHERE {WAITING}")
    db.execute_sql("CREATE INDEX job_state ON job (state, id)")
    db.execute_sql("CREATE INDEX asset_unnotified ON asset (owner_id) WHERE notified_at IS NULL")
