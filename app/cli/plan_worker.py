"""The plan worker beside a server: a child process that is kept running, and ends with the server."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import app
from app.cli.output import progress

PACKAGE_ROOT = Path(app.__file__).parents[1]
COMMAND = (sys.executable, "-P", "-m", "app", "worker", "--with-parent")
STOP_SECONDS = 15.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0


class PlanWorker:
    """Runs `worker --with-parent`; a worker that dies is replaced, and its run is taken up again.

    The child has a session of its own, so Ctrl-C reaches it only through us; our end of its standard input
    closes when this process dies in whatever way, and it then ends by itself.
    """

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        """Start the worker."""
        self._command = command
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self.process = self._start()
        self._keeper = threading.Thread(target=self._keep, name="plan worker", daemon=True)

    def __enter__(self) -> PlanWorker:
        """Begin to replace workers that die."""
        self._keeper.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End the worker; one that does not want to is killed."""
        with self._lock:
            self._stopping.set()
        self._hang_up()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            progress("the plan worker does not stop; ending it (its run is taken up again at the next start)")
            self.process.kill()
            self.process.wait()
        self._keeper.join()

    def _start(self) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONPATH": _prepend_path(PACKAGE_ROOT)}
        return subprocess.Popen(self._command, stdin=subprocess.PIPE, start_new_session=True, env=environment)

    def _keep(self) -> None:
        """Replace the worker whenever it ends by itself, ever later if it keeps ending at once."""
        pause = FIRST_PAUSE
        while True:
            started = time.monotonic()
            status = self.process.wait()
            pause = FIRST_PAUSE if time.monotonic() - started > LONGEST_PAUSE else pause
            if self._stopping.is_set():
                return
            progress(f"the plan worker ended with status {status}; another one starts in {pause:g} s")
            self._stopping.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
            with self._lock:
                if self._stopping.is_set():
                    return
                self._hang_up()
                self.process = self._start()

    def _hang_up(self) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()


def _prepend_path(first: Path) -> str:
    """Return PYTHONPATH with `first` in front, so that the child runs the very code of its parent."""
    rest = os.environ.get("PYTHONPATH", "")
    return f"{first}{os.pathsep}{rest}" if rest else str(first)
