"""What the tests of the upload page share: a slow line, large photos, the rows of the page."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.processes.browsing import Visitor
from tests.processes.servers import Homequeue, checksum, noise

MIB = 2**20
#: A line as slow as a phone's at the far end of the garden, so that trouble comes in between.
SLOW = {"offline": False, "latency": 5, "downloadThroughput": 10**7, "uploadThroughput": 5 * 10**5}
FAST = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}


def line(visitor: Visitor, how: dict[str, Any] | None = None) -> Callable[[dict[str, Any]], None]:
    """Make a visitor's line slow; what is returned changes it."""
    session = visitor.context.new_cdp_session(visitor.page)
    session.send("Network.enable")

    def change(to: dict[str, Any]) -> None:
        session.send("Network.emulateNetworkConditions", to)

    change(how or SLOW)
    return change


def padded(path: Path, seed: int, size: int) -> Path:
    """A photo of so many bytes, which does not take so much room on the disk."""
    path.write_bytes(noise(seed))
    with path.open("r+b") as file:
        file.truncate(size)
    return path


def rows(visitor: Visitor, state: str = "") -> Any:
    return visitor.page.locator(f"#rows .row{state}")


def overall(visitor: Visitor) -> Any:
    return visitor.page.locator("#overall")


def tally(visitor: Visitor) -> list[str]:
    """The summary that can be copied, line by line."""
    visitor.page.locator("#tally summary").click()
    return list(visitor.page.locator("#tally-words").input_value().splitlines())


def count(server: Homequeue, files: list[Path]) -> int:
    """How many of these files are among the assets."""
    wanted = {checksum(path.read_bytes()) for path in files}
    return sum(row[0] in wanted for row in server.rows("select checksum from asset"))


def requests(visitor: Visitor, part: str) -> list[str]:
    """A list that grows by the requests to addresses with a part from now on."""
    seen: list[str] = []
    visitor.page.on(
        "request",
        lambda one: seen.append(f"{one.method} {one.url}") if part in one.url else None,
    )
    return seen


def forgive(visitor: Visitor, *words: str) -> None:
    """Forget what the browser itself says of requests that fail, and nothing else."""
    rest = [one for one in visitor.complaints if not any(word in one for word in words)]
    assert not rest, rest
    visitor.complaints.clear()


def forgive_resuming(visitor: Visitor) -> None:
    """Forget that a piece which was under way at a pause came in between when it was resumed."""
    forgive(visitor, "409", "423")
