"""A message as its receiver got it, drawn plainly. Slack alone knows how Slack draws it; its blocks say what belongs
together, and that is shown: a headline, text, facts in two columns, small print with links."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from typing import Any

_STYLE = """
:root { color-scheme: light dark; --ink: #1d1c1d; --paper: #fff; --quiet: #616061; --edge: #dddddd; --link: #1264a3 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8e8; --paper: #1a1d21; --quiet: #ababad; --edge: #3b3d41; --link: #4bb1ec } }
body { margin: 16px; background: var(--paper); color: var(--ink); font: 15px/1.46 system-ui, sans-serif }
article { border-left: 4px solid var(--edge); padding: 2px 14px; max-width: 640px }
h1 { font-size: 18px; margin: 4px 0 6px } p { margin: 0 0 8px; overflow-wrap: anywhere }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(240px, 1fr)); gap: 2px 16px; margin: 0 0 10px }
dt, small { color: var(--quiet) } dl div { overflow-wrap: anywhere } dt, dd { display: inline; margin: 0 }
small { display: block; font-size: 12.5px; margin: 0 0 6px; overflow-wrap: anywhere } a { color: var(--link) }
"""
_LINK = re.compile(r"<(https?://[^|>]+)\|([^>]*)>")


def render_message(body: Mapping[str, Any], channel: str) -> str:
    """One HTML page. body: of format `slack`, as JSON."""
    blocks = "".join(part for block in body.get("blocks", ()) for part in _block(block))
    title = html.escape(f"What the channel {channel} received")
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{_STYLE}</style><article>{blocks}</article></html>"
    )


def _block(block: Mapping[str, Any]) -> Iterator[str]:
    match block.get("type"):
        case "header":
            yield f"<h1>{_text(block['text'])}</h1>"
        case "section":
            if "text" in block:
                yield f"<p>{_text(block['text'])}</p>"
            if "fields" in block:
                yield f"<dl>{''.join(map(_field, block['fields']))}</dl>"
        case "context":
            yield from (f"<small>{_text(element)}</small>" for element in block["elements"])


def _field(field: Mapping[str, Any]) -> str:
    name, _, value = _text(field).partition(": ")
    return f"<div><dt>{name}:</dt> <dd>{value}</dd></div>"


def _text(element: Mapping[str, Any]) -> str:
    """Slack wants &, < and > written as entities: unescape, then escape as HTML does. Links are in mrkdwn alone."""
    said = str(element["text"])
    if element.get("type") != "mrkdwn":
        return html.escape(html.unescape(said))
    parts: list[str] = []
    at = 0
    for link in _LINK.finditer(said):
        url, word = html.unescape(link[1]), html.unescape(link[2])
        parts += [html.escape(html.unescape(said[at : link.start()]))]
        parts += [f'<a href="{html.escape(url, quote=True)}">{html.escape(word)}</a>']
        at = link.end()
    return "".join([*parts, html.escape(html.unescape(said[at:]))])
