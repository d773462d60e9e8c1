"""The entrance of ministack's process: it ends with its parent, however the parent ends.

The parent holds the other end of our standard input. When the parent is gone, killed or not, reading it returns, and
this process asks itself to stop and clears its directory: no emulator is ever left behind on a port.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading

_orphaned = threading.Event()


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    _orphaned.set()
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    from ministack.app import main as serve  # noqa: PLC0415 - heavy, and reads the environment while it is imported
    from ministack.services import scheduler  # noqa: PLC0415

    scheduler._SCHEDULE_TICK_INTERVAL = 1  # ten seconds late is long for a schedule of one minute
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.argv = ["ministack"]
    try:
        serve()
    finally:
        if _orphaned.is_set():
            shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)  # made for this process alone, by ministack.py


if __name__ == "__main__":
    main()
