"""The schema, step by step: numbered files that are never changed once released."""

from pathlib import Path

from homequeue import absent, db
from homequeue.errors import SchemaTooNew

HERE = Path(__file__).parent
HISTORY = "schema_migration"


def migrate(database_file: Path) -> None:
    """Bring the bound database to this version's schema, one process at a time.

    Where the rows are in the file, a copy is put beside it before each change. Raises SchemaTooNew
    when a newer homequeue has been here.
    """
    with db.db.migrating():
        applied = steps_applied()
        steps = steps_known()
        if applied - set(steps):
            raise SchemaTooNew(
                "The library was last used by a newer version of homequeue. "
                "Install that version again, or restore a backup made before it."
            )
        pending = [step for step in steps if step not in applied]
        if not pending:
            return
        if applied and not db.is_shared():
            _copy(database_file.with_suffix(f".before-{pending[0]}.db"))
        # 2 MB that only a change of the schema needs, and 6 more if it found a driver.
        with absent("psycopg", "psycopg2"):
            from playhouse.migrations import Runner  # noqa: PLC0415

        Runner(db.db.obj, str(HERE)).up()


def steps_known() -> list[str]:
    """Return the steps that this version knows, in their order."""
    return sorted(path.stem for path in HERE.glob("[0-9]*.py"))


def steps_applied() -> set[str]:
    """Return the steps that the bound database has taken; none if it is new."""
    if not db.db.table_exists(HISTORY):
        return set()
    return {name for (name,) in db.db.execute_sql(f"SELECT name FROM {HISTORY}")}


def _copy(path: Path) -> None:
    path.unlink(missing_ok=True)
    db.db.execute_sql("VACUUM INTO ?", (str(path),))
    path.chmod(0o600)
