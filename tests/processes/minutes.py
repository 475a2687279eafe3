"""Minutes that pass at once, for what is looked at once in a minute: the inbox."""

import time

from tests.processes.servers import Homequeue

#: The program whose workers look at their clock every two seconds.
IMPATIENT = "tests.processes.impatient"


def a_minute_passes(server: Homequeue) -> None:
    """Let the inbox be due; whoever is impatient notices."""
    server.rows("update periodic set last_due = last_due - 60 where task = 'empty_inbox'")
    time.sleep(0.5)
