"""What work is held back for, in words."""

import time

from homequeue.services import delays, jobs, steering
from homequeue.services.delays import Held
from homequeue.web.moments import clock_label, near_label


def held_for(why: Held) -> str:
    """Return what somebody waits for, as it goes on after “it waits”."""
    now = time.time()
    if why.why == delays.QUIET:
        return f"for the end of the quiet hours at {clock_label(why.until)}"
    end = near_label(why.until, now)
    if why.why == delays.RATE:
        return f"until {end}, for only so many are begun in a while"
    what = jobs.kind_label(why.task) if why.task else "everything"
    is_forever = why.until - now > steering.FOREVER / 2
    until = "somebody resumes" if is_forever else end
    return f"until {until}: {what[0].lower()}{what[1:]} is paused"
