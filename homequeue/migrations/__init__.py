"""The schema, step by step: numbered files that are never changed once released."""

from pathlib import Path

from homequeue.db import db
from homequeue.errors import SchemaTooNew

HERE = Path(__file__).parent
HISTORY = "schema_migration"


def migrate(database_file: Path) -> None:
    """Bring the bound database to this version's schema, with a copy beside it before each change.

    Raises SchemaTooNew when a newer homequeue has been here.
    """
    applied = _applied()
    steps = sorted(path.stem for path in HERE.glob("[0-9]*.py"))
    if applied - set(steps):
        raise SchemaTooNew(
            "The library was last used by a newer version of homequeue. "
            "Install that version again, or restore a backup made before it."
        )
    pending = [step for step in steps if step not in applied]
    if not pending:
        return
    if applied:
        copy = database_file.with_suffix(f".before-{pending[0]}.db")
        copy.unlink(missing_ok=True)
        db.execute_sql("VACUUM INTO ?", (str(copy),))
        copy.chmod(0o600)
    # 2 MB that only a change of the schema needs.
    from playhouse.migrations import Runner  # noqa: PLC0415

    Runner(db, str(HERE)).up()


def _applied() -> set[str]:
    if not db.table_exists(HISTORY):
        return set()
    return {name for (name,) in db.execute_sql(f"SELECT name FROM {HISTORY}")}
