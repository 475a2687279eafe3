"""homequeue on a disk that is full for as long as there is a file `full` beside its data."""

import errno
import sys

from homequeue import cli
from homequeue.incoming import Incoming, storage_errors
from homequeue.media import media

write = Incoming.write


def write_where_there_is_room(self: Incoming, chunk: bytes) -> None:
    with storage_errors():
        if (media.root.parent / "full").exists():
            raise OSError(errno.ENOSPC, "No space left on device")
    write(self, chunk)


Incoming.write = write_where_there_is_room  # type: ignore[method-assign]

if __name__ == "__main__":
    sys.exit(cli.main())
