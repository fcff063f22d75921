# SPDX-License-Identifier: BSD-2-Clause
"""How long it takes until something is taken to hang; calls that have an end by themselves."""

import errno
import os
import time

SECONDS = 30 * int(os.environ.get("SLOW", "1"))


def patient(call, *args):
    """Who waits for a page that somebody holds may have enough after 5 s: EBUSY. Once more."""
    while True:
        start = time.monotonic()
        try:
            return call(*args)
        except OSError as e:
            if e.errno != errno.EBUSY or time.monotonic() - start < 4:
                raise
