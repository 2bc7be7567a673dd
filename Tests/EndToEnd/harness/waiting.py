"""Waiting for a condition instead of sleeping for a time."""

import time

from . import settings


def until(condition, what, timeout=None, interval=0.1):
    """Calls `condition` until it returns something true, and returns that; an AssertionError counts as false."""
    timeout = timeout or settings.patience
    deadline = time.monotonic() + timeout
    last = None
    while True:
        try:
            value = condition()
            if value:
                return value
        except AssertionError as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout:.0f} s: {what}" + (f"; last: {last}" if last else ""))
        time.sleep(interval)
