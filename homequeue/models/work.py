"""The ledger of jobs, and what is known of those who do them."""

import time

from peewee import AutoField, BigIntegerField, BooleanField, DoubleField, IntegerField, TextField

from homequeue.models.base import Table


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
    memory = BigIntegerField(null=True)


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
