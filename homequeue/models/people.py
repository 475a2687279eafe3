"""Who may come in, and how."""

import time

from peewee import AutoField, BooleanField, DoubleField, ForeignKeyField, TextField

from homequeue.models.base import Table


class User(Table):
    """Someone who may sign in."""

    id = AutoField()
    name = TextField(unique=True)
    password = TextField()
    is_admin = BooleanField(default=False)
    created_at = DoubleField(default=time.time)
    #: By which session or token they have come in: of whoever asks now, not of the account.
    came_by = ""


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
    used_at = DoubleField(null=True)
    expires_at = DoubleField(null=True)
