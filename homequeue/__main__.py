"""`python -m homequeue`."""

import sys

from homequeue.cli import main

if __name__ == "__main__":
    sys.exit(main())
