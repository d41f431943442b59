"""Counting how often files in a folder are opened, by any process, with inotify."""

import ctypes
import os
import struct
import sys
from collections import Counter

import pytest

_IN_OPEN = 0x20
# Watched as well, because the kernel merges consecutive equal events.
_IN_CLOSE_NOWRITE = 0x10
_QUEUE_OVERFLOW = 0x4000
_EVENT = struct.Struct("iIII")

needs_inotify = pytest.mark.skipif(sys.platform != "linux", reason="inotify needs Linux")


class Opens:
    """A context manager, after which `counts` has the number of openings by file name."""

    def __init__(self, *folders):
        self.folders = folders
        self.counts = Counter()

    def __enter__(self):
        libc = ctypes.CDLL(None, use_errno=True)
        self.number = libc.inotify_init1(os.O_NONBLOCK)
        assert self.number >= 0
        for folder in self.folders:
            watch = libc.inotify_add_watch(
                self.number, os.fsencode(folder), _IN_OPEN | _IN_CLOSE_NOWRITE
            )
            assert watch >= 0, os.strerror(ctypes.get_errno())
        return self

    def __exit__(self, *error):
        while True:
            try:
                data = os.read(self.number, 1 << 20)
            except BlockingIOError:
                break
            while data:
                _, mask, _, length = _EVENT.unpack_from(data)
                assert not mask & _QUEUE_OVERFLOW, "the inotify queue overflowed"
                name = data[_EVENT.size : _EVENT.size + length].rstrip(b"\0")
                if name and mask & _IN_OPEN:
                    self.counts[os.fsdecode(name)] += 1
                data = data[_EVENT.size + length :]
        os.close(self.number)
