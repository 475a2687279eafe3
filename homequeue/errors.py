"""The house's errors: each knows its HTTP status, a word for machines and words for people."""

from collections.abc import Mapping
from typing import ClassVar


class HomequeueError(Exception):
    """Something a person can be told about; `str(error)` is what they read."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "error"
    #: Whether trying the same again later may succeed (a job asks this before it retries).
    passing: ClassVar[bool] = False
    #: What the answer tells a program besides, as HTTP headers.
    headers: Mapping[str, str] = {}


class BadRequest(HomequeueError):
    """The request does not keep to the protocol that it speaks."""

    status = 400
    code = "bad_request"


class NotSignedIn(HomequeueError):
    """Nobody is signed in, or the session or token is no longer good."""

    status = 401
    code = "not_signed_in"


class NotAllowed(HomequeueError):
    """Signed in, but this is not theirs to do."""

    status = 403
    code = "not_allowed"


class NotFound(HomequeueError):
    """Missing, or somebody else's: the two must look alike."""

    status = 404
    code = "not_found"


class NotSupported(HomequeueError):
    """The address is right, what is asked of it is not."""

    status = 405
    code = "method_not_allowed"


class Conflict(HomequeueError):
    """The thing is not in a state in which this can be done."""

    status = 409
    code = "conflict"


class Gone(HomequeueError):
    """It was there and will not come back."""

    status = 410
    code = "gone"


class TooLarge(HomequeueError):
    """More bytes or more pixels than this server takes."""

    status = 413
    code = "too_large"


class Unsupported(HomequeueError):
    """Not a picture of a kind we take."""

    status = 415
    code = "unsupported"


class Invalid(HomequeueError):
    """The request was understood and makes no sense."""

    status = 422
    code = "invalid"


class Unreadable(Invalid):
    """Claims to be a picture, but nothing in it can be shown."""

    code = "unreadable"


class Locked(HomequeueError):
    """Somebody else is at it just now."""

    status = 423
    code = "locked"
    passing = True
    headers = {"Retry-After": "1"}


class TooMany(HomequeueError):
    """Asked too often; `retry_after` says when to come back, in seconds."""

    status = 429
    code = "too_many"
    passing = True

    def __init__(self, words: str, retry_after: int) -> None:
        super().__init__(words)
        self.retry_after = retry_after


class Unavailable(HomequeueError):
    """A part of the house is missing for now: storage, database, queue."""

    status = 503
    code = "unavailable"
    passing = True


class NotInstalled(HomequeueError):
    """A program that this takes is not on this machine."""

    status = 503
    code = "not_installed"


class Missing(Unavailable):
    """A file that was kept is not there any more; waiting does not bring it back."""

    code = "missing"
    passing = False


class NoSpace(HomequeueError):
    """Taking this would leave too little free space on the disk."""

    status = 507
    code = "no_space"
    passing = True


class ConfigError(HomequeueError):
    """A setting is wrong; the words name the option and the layer it came from."""

    code = "config"


class UsageError(HomequeueError):
    """The command line asks for something that cannot be."""

    code = "usage"


class SchemaTooNew(HomequeueError):
    """The database was written by a newer homequeue."""

    code = "schema_too_new"


class ClaimLost(HomequeueError):
    """Another worker holds this job now; nothing of this run may be kept."""

    code = "claim_lost"


class NotYet(HomequeueError):
    """A job asks to be run again in so many `seconds`; nothing is wrong."""

    code = "not_yet"

    def __init__(self, words: str, seconds: float) -> None:
        super().__init__(words)
        self.seconds = seconds


class DeliveryFailed(HomequeueError):
    """A notification could not be delivered; it is tried again."""

    code = "delivery_failed"
    passing = True
