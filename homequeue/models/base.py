"""What every table of the house has."""

from peewee import Model

from homequeue.db import db


class Table(Model):
    """A table of the house."""

    class Meta:
        """Where every table lives."""

        database = db
        legacy_table_names = False
