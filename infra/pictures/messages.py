"""What receivers show: e-mails and Teams cards as PNG, all else as the exact body.

A Teams card is drawn by Microsoft's own renderer (npm `adaptivecards`), the text of an e-mail stands as a mail program
shows plain text. Slack, Discord, Google Chat, PagerDuty and Alertmanager can be drawn by nobody but themselves: of them
there is the body, indented.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from pathlib import Path

from infra.pictures.samples import samples
from nephoscope.localcloud.browser import Chromium, chromium
from nephoscope.model.group import GroupMessage, Message
from nephoscope.notifiers.formats import FORMATS
from nephoscope.notifiers.formats.sns import render_sns
from nephoscope.notifiers.formats.sns_group import render_sns_group

RENDERER = Path(__file__).resolve().parents[2] / "node_modules/adaptivecards/dist"
WIDTHS = (900, 420)
TITLES = {"fires": "A machine is in trouble", "ends": "It is over", "together": "Five at once, where a channel groups"}

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --quiet: #59636e; --edge: #d1d9e0 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --paper: #0d1117; --quiet: #9198a1; --edge: #3d444d } }
body { margin: 24px; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif }
h1 { font-size: 18px; margin: 0 0 2px } p { color: var(--quiet); margin: 0 0 12px }
h2 { font-size: 15px; margin: 20px 0 6px }
pre { white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid var(--edge); border-radius: 6px; padding: 12px;
  font: 13px/1.45 ui-monospace, monospace; margin: 0 }
.card { border: 1px solid var(--edge); border-radius: 6px; background: #fff; padding: 4px; max-width: 600px }
"""


def draw(folder: Path) -> list[Path]:
    """message-email.png and message-teams.png, each also narrow; message-FORMAT-SAMPLE.json for every other format."""
    with chromium() as browser:
        return [*_pictures(folder, browser), *_bodies(folder)]


def _pictures(folder: Path, browser: Chromium) -> Iterator[Path]:
    for name, page in {"email": _email(), "teams": _teams()}.items():
        for width, suffix in zip(WIDTHS, ("", "-narrow"), strict=True):
            yield browser.picture(page, folder / f"message-{name}{suffix}.png", width)


def _bodies(folder: Path) -> Iterator[Path]:
    for name, form in FORMATS.items():
        for label, message in samples().items():
            if isinstance(message, GroupMessage) and form.render_group is None:
                continue
            path = folder / f"message-{name}-{label}.json"
            path.write_text(json.dumps(_card(name, message), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
            yield path


def _page(title: str, below: str, content: str, head: str = "") -> str:
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>{head}'
        f"<h1>{title}</h1><p>{below}</p>{content}</html>"
    )


def _email() -> str:
    parts = []
    for name, message in samples().items():
        told = render_sns_group(message) if isinstance(message, GroupMessage) else render_sns(message)
        text = json.loads(told.message)["default"]
        parts.append(
            f"<h2>{TITLES[name]}</h2><pre><b>Subject: {html.escape(told.subject)}</b>\n\n{html.escape(text)}</pre>"
        )
    return _page("E-mail, by SNS", "As a mail program shows plain text.", "".join(parts))


def _teams() -> str:
    """The renderer runs in the page; its Markdown is switched on as Teams has it only for what a card asks."""
    cards = {name: _card("teams", message) for name, message in samples().items()}
    places = "".join(f'<h2>{TITLES[name]}</h2><div class="card" id="{name}"></div>' for name in cards)
    script = (RENDERER / "adaptivecards.min.js").read_text(encoding="utf-8")
    data = json.dumps(cards).replace("</", "<\\/")
    draw_cards = (
        f"const cards = {data}; for (const [name, body] of Object.entries(cards)) {{"
        "const card = new AdaptiveCards.AdaptiveCard(); card.hostConfig = new AdaptiveCards.HostConfig("
        "{fontFamily: 'Segoe UI, system-ui, sans-serif'}); card.parse(body.attachments[0].content);"
        "document.getElementById(name).appendChild(card.render()); }"
    )
    return _page(
        "Microsoft Teams",
        "An Adaptive Card, drawn by Microsoft's own renderer.",
        f"{places}<script>{script}</script><script>{draw_cards}</script>",
    )


def _card(name: str, message: Message) -> dict[str, object]:
    body: dict[str, object] = json.loads(FORMATS[name].body(message))
    return body
