"""homequeue that soon takes a silent machine for dead, and a spare worker for needless."""

import sys

from homequeue.cli import serve
from homequeue.queue import watch, worker, workers
from tests.processes import kitchen

workers.LEASE = 8.0
watch.BEAT = 1.0
worker.LOOK_AROUND = 2.0
worker.ALONE = 0.5
serve.PATIENCE = 1.0

if __name__ == "__main__":
    sys.exit(kitchen.main())
