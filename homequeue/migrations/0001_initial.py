"""The first tables: frozen copies of the models, so that this step stays what it was.

The number of a user, an asset or a job is never given again: others remember it.
"""

import time
from typing import Any

from peewee import (
    AutoField,
    BigIntegerField,
    BooleanField,
    CompositeKey,
    DoubleField,
    ForeignKeyField,
    IntegerField,
    Model,
    SqliteDatabase,
    TextField,
)
from playhouse.sqlite_ext import AutoIncrementField


class NeverAgainField(AutoIncrementField):
    def ddl(self, ctx: Any) -> Any:
        """Return the words; SQLite must be told so, the sequences of PostgreSQL never go back."""
        is_sqlite = isinstance(self.model._meta.database, SqliteDatabase)
        return super().ddl(ctx) if is_sqlite else AutoField.ddl(self, ctx)  # type: ignore[no-untyped-call]


class Table(Model):
    class Meta:
        legacy_table_names = False


class User(Table):
    id = NeverAgainField()
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
    used_at = DoubleField(null=True)
    expires_at = DoubleField(null=True)


class Asset(Table):
    id = NeverAgainField()
    owner = ForeignKeyField(User, on_delete="RESTRICT")
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
    content_id = TextField(null=True)
    pair = IntegerField(null=True, column_name="pair_id", index=True)
    is_clip = BooleanField(default=False)
    favorite = BooleanField(default=False)
    damaged = BooleanField(default=False)
    error = TextField(null=True)
    trashed_at = DoubleField(null=True)
    awaits = BooleanField(default=False)
    share = IntegerField(null=True, column_name="share_id")
    guest = TextField(null=True)
    notified_at = DoubleField(null=True)

    class Meta:
        indexes = (
            (("owner", "checksum"), True),
            (("owner", "trashed_at", "taken_at", "id", "is_clip"), False),
            (("owner", "content_id"), False),
            (("owner", "trashed_at", "is_clip", "state"), False),
        )


class Album(Table):
    id = AutoField()
    owner = ForeignKeyField(User, on_delete="CASCADE")
    title = TextField()
    created_at = DoubleField(default=time.time)

    class Meta:
        indexes = ((("owner", "title"), True),)


class AlbumAsset(Table):
    id = AutoField()
    album = ForeignKeyField(Album, backref="members", on_delete="CASCADE")
    asset = ForeignKeyField(Asset, on_delete="CASCADE")

    class Meta:
        indexes = ((("album", "asset"), True),)


class Retiming(Table):
    id = AutoField()
    user = ForeignKeyField(User, on_delete="CASCADE")
    at = DoubleField(default=time.time)
    words = TextField()
    count = IntegerField()
    before = TextField()
    undone_at = DoubleField(null=True)


class Likeness(Table):
    asset = ForeignKeyField(Asset, primary_key=True, on_delete="CASCADE")
    owner = ForeignKeyField(User, on_delete="CASCADE")
    group = IntegerField(column_name="group_id", index=True)
    distance = IntegerField(default=0)
    settled = BooleanField(default=False)

    class Meta:
        indexes = ((("owner", "settled", "group"), False),)


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
    id = NeverAgainField()
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
    members = TextField(null=True)
    attempts = IntegerField(default=0)
    deaths = IntegerField(default=0)
    max_attempts = IntegerField(default=1)
    queued_at = DoubleField(default=time.time)
    due_at = DoubleField(default=time.time)
    expires_at = DoubleField(null=True)
    timeout = DoubleField(null=True)
    started_at = DoubleField(null=True)
    finished_at = DoubleField(null=True, index=True)
    dismissed_at = DoubleField(null=True)
    worker = TextField(null=True)
    stopped_by = TextField(null=True)
    progress = DoubleField(null=True)
    step = TextField(null=True)
    reported_at = DoubleField(null=True)
    result = TextField(null=True)
    error = TextField(null=True)
    cause = TextField(null=True)
    traceback = TextField(null=True)
    memory = BigIntegerField(null=True)
    log = TextField(default="")
    history = TextField(default="")


class Share(Table):
    id = NeverAgainField()
    kind = TextField(default="drop")
    digest = TextField(unique=True)
    user = ForeignKeyField(User, on_delete="CASCADE")
    title = TextField()
    album = TextField(default="")
    needs_approval = BooleanField(default=True)
    max_files = IntegerField()
    max_size = BigIntegerField()
    files = IntegerField(default=0)
    size = BigIntegerField(default=0)
    created_at = DoubleField(default=time.time)
    expires_at = DoubleField()
    ended_at = DoubleField(null=True)


class Guest(Table):
    id = NeverAgainField()
    digest = TextField(unique=True)
    share = ForeignKeyField(Share, backref="guests", on_delete="CASCADE")
    name = TextField(default="")
    created_at = DoubleField(default=time.time)


class Batch(Table):
    id = NeverAgainField()
    kind = TextField()
    user = IntegerField(null=True, column_name="user_id")
    came_by = TextField(default="")
    guest = IntegerField(null=True, column_name="guest_id")
    made_at = DoubleField(default=time.time)
    touched_at = DoubleField(default=time.time, index=True)


class Receipt(Table):
    id = AutoField()
    batch = ForeignKeyField(Batch, on_delete="CASCADE")
    filename = TextField()
    size = BigIntegerField(null=True)
    asset = IntegerField(null=True, column_name="asset_id")
    outcome = TextField()
    words = TextField(default="")
    at = DoubleField(default=time.time)


class Sighting(Table):
    mark = TextField(primary_key=True)
    asset = ForeignKeyField(Asset, on_delete="CASCADE")
    batch = ForeignKeyField(Batch, on_delete="CASCADE")


class Upload(Table):
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
    id = AutoField()
    user = ForeignKeyField(User, on_delete="CASCADE")
    folder = TextField()
    name = TextField()
    size = BigIntegerField()
    checksum = TextField()
    modified_at = DoubleField()
    seen_at = DoubleField(default=time.time, index=True)

    class Meta:
        indexes = ((("user", "folder", "name"), True),)


class Periodic(Table):
    task = TextField(primary_key=True)
    last_due = DoubleField()
    job = IntegerField(null=True, column_name="job_id")
    is_on = BooleanField(default=True)


class Worker(Table):
    identity = TextField(primary_key=True)
    parent = TextField()
    name = TextField(default="worker")
    started_at = DoubleField(default=time.time)
    seen_at = DoubleField(default=time.time)
    memory = BigIntegerField(null=True)


class Deed(Table):
    id = AutoField()
    at = DoubleField(default=time.time, index=True)
    who = TextField()
    words = TextField()


class Tally(Table):
    id = AutoField()
    hour = IntegerField()
    task = TextField()
    succeeded = IntegerField()
    failed = IntegerField()
    wait = DoubleField()
    median = DoubleField()
    p95 = DoubleField()

    class Meta:
        indexes = ((("hour", "task"), True),)


class Ending(Table):
    task = TextField()
    state = TextField()
    took = IntegerField()
    waited = IntegerField()
    jobs = IntegerField()
    seconds_taken = DoubleField()
    seconds_waited = DoubleField()

    class Meta:
        primary_key = CompositeKey("task", "state", "took", "waited")


class Fact(Table):
    name = TextField(primary_key=True)
    value = TextField()


#: All of them, in the order in which they stand here.
TABLES: list[type[Any]] = Table.__subclasses__()
#: Parts of a dHash, in digits from 1 on: of two that differ in up to four bits one is the same.
BANDS = ((1, 3), (4, 3), (7, 3), (10, 3), (13, 4))
WAITING = "state IN ('queued', 'scheduled', 'retrying')"


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001
    """Create them."""
    with db.bind_ctx(TABLES):
        db.create_tables(TABLES)
    ready = f"{WAITING} AND waits_for = 0"
    # `waits_for` is the same in all of its rows: that it comes first has SQLite choose this index.
    order = "(waits_for, priority DESC, deaths, id)"
    db.execute_sql(f"CREATE INDEX job_ready ON job {order} WHERE {ready}")
    db.execute_sql("CREATE INDEX job_key ON job (key, state) WHERE key IS NOT NULL")
    alone = "WHERE state = 'running' AND key IS NOT NULL"
    db.execute_sql(f"CREATE UNIQUE INDEX job_alone ON job (key) {alone}")
    db.execute_sql("CREATE INDEX job_expires ON job (expires_at) WHERE expires_at IS NOT NULL")
    db.execute_sql("CREATE INDEX job_task ON job (task, started_at)")
    db.execute_sql("CREATE INDEX job_state ON job (state, id)")
    db.execute_sql("CREATE INDEX job_task_state ON job (task, state, started_at)")
    ended = "(state, finished_at, task) WHERE finished_at IS NOT NULL"
    db.execute_sql(f"CREATE INDEX job_ended ON job {ended}")
    db.execute_sql("CREATE INDEX asset_unnotified ON asset (owner_id) WHERE notified_at IS NULL")
    db.execute_sql("CREATE INDEX asset_awaits ON asset (share_id) WHERE awaits")
    db.execute_sql("CREATE INDEX asset_waiting ON asset (owner_id, is_clip) WHERE awaits")
    columns = "(owner_id, trashed_at, taken_at, id, is_clip, doubt) WHERE doubt IS NOT NULL"
    db.execute_sql(f"CREATE INDEX asset_doubtful ON asset {columns}")
    db.execute_sql("CREATE INDEX asset_fingerprint ON asset (owner_id, fingerprint)")
    for band, (at, digits) in enumerate(BANDS):
        part = f"(substr(dhash, {at}, {digits}))"
        db.execute_sql(f"CREATE INDEX asset_band_{band} ON asset (owner_id, {part})")
    if not isinstance(db, SqliteDatabase):
        # It does not see that all of these rows are alike in `trashed_at`, and would sort them.
        columns = "(owner_id, taken_at, id) WHERE trashed_at IS NULL"
        db.execute_sql(f"CREATE INDEX asset_timeline ON asset {columns}")
