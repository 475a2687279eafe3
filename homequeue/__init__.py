"""homequeue: a home server for photos, in one command."""

__version__ = "0.1.0"
