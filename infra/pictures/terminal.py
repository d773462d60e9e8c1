"""What the commands print, as pictures: each in a terminal of its own (a pseudo-terminal, so with colours), at three
widths. The fleet is simulated, the commands are the installed one's."""

from __future__ import annotations

import fcntl
import html
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.text import Text

from infra.pictures.lived import Lived, lived
from nephoscope.localcloud.browser import Chromium, chromium

COMMANDS = (
    "status",
    "list --state stopped",
    "metrics --metric cpu.utilization --cloud azure",
    "plot cpu.utilization --hours 1",
    "timeline cpu-hot batch-prod-0000",
    "explain cpu-hot batch-prod-0000",
    "outbox list",
    "validate --explain",
    "silence --help",
)
WIDTHS = (40, 80, 160)
CELL, MARGIN = 8.43, 48
"""Pixels of a character at 14 px, and of the page around it."""
_STYLE = """
body { margin: 16px; background: #10141a; color: #d7dde5 }
pre { font: 14px/1.35 'DejaVu Sans Mono', monospace; margin: 0 0 22px; white-space: pre }
b { color: #fff }
"""


def draw(folder: Path) -> list[Path]:
    """terminal-40.png, terminal-80.png, terminal-160.png: the same commands below each other."""
    with TemporaryDirectory() as place, lived(Path(place)) as fleet, chromium() as browser:
        return [_picture(browser, fleet, width, folder) for width in WIDTHS]


def _picture(browser: Chromium, fleet: Lived, width: int, folder: Path) -> Path:
    shown = "".join(
        f"<pre><b>$ nephoscope {html.escape(command)}</b>\n{_markup(printed(fleet, command, width), width)}</pre>"
        for command in COMMANDS
    )
    page = f'<!doctype html><html lang="en"><meta charset="utf-8"><style>{_STYLE}</style>{shown}</html>'
    return browser.picture(page, folder / f"terminal-{width}.png", round(width * CELL) + MARGIN)


def printed(fleet: Lived, command: str, columns: int) -> str:
    """What a person sees, escape codes and all. Raises RuntimeError where the command ends badly."""
    script = Path(sys.executable).with_name("nephoscope")
    outer, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
    process = subprocess.Popen(
        [script, *command.split()],
        cwd=fleet.folder,
        env={**kept, **fleet.environment, "TERM": "xterm-256color"},
        stdin=inner,
        stdout=inner,
        stderr=inner,
    )
    os.close(inner)
    text = b"".join(_read(outer)).decode(errors="replace")
    if process.wait() not in (0, 1):
        raise RuntimeError(f"nephoscope {command}: {text}")
    return text


def _read(terminal: int) -> Iterator[bytes]:
    """Until the program ends, which Linux tells by an error."""
    try:
        while chunk := os.read(terminal, 65_536):
            yield chunk
    except OSError:
        return
    finally:
        os.close(terminal)


def _markup(text: str, columns: int) -> str:
    """Colours as spans. A line that is drawn over stands as it was drawn last."""
    last = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    console = Console(record=True, file=StringIO(), width=max(columns, 200), force_terminal=True)
    console.print(Text.from_ansi(last), soft_wrap=True)
    return console.export_html(inline_styles=True, code_format="{code}")
