"""The thread in which the disk is waited for.

Belongs here: handing one call after the other to a thread and its result back to the event loop.
Must not be here: what the call does.

Less than an executor of the standard library on purpose: each lock of one costs two changes of
thread while the loop is busy, for every group of lines.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue

_Job = tuple[asyncio.AbstractEventLoop, "asyncio.Future[float]", Callable[[], float]]


class DiskThread:
    """Makes calls one at a time, in the order they come. Started by the first one."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    async def run(self, call: Callable[[], float]) -> float:
        """The result of ``call``, or what it raised."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="webhook-log", daemon=True)
            self._thread.start()
        loop = asyncio.get_running_loop()
        done: asyncio.Future[float] = loop.create_future()
        self._jobs.put((loop, done, call))
        return await done

    def stop(self) -> None:
        """End the thread after the calls it was given."""
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join()
            self._thread = None

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            loop, done, call = job
            try:
                result = call()
            except Exception as error:
                loop.call_soon_threadsafe(_raise, done, error)
            else:
                loop.call_soon_threadsafe(_return, done, result)


def _return(done: asyncio.Future[float], result: float) -> None:
    if not done.done():
        done.set_result(result)


def _raise(done: asyncio.Future[float], error: Exception) -> None:
    if not done.done():
        done.set_exception(error)
