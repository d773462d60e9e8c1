"""The bodies in shared/nephoscope/notifiers/formats/messages.md: what each format makes of the sample messages.

python -m infra.reference.messages [--check]

The page is written by hand, but for what stands between its two marks.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from infra.pictures.samples import samples
from nephoscope.model.group import GroupMessage, Message
from nephoscope.model.secret import Secret
from nephoscope.notifiers.formats import FORMATS, Format
from nephoscope.notifiers.formats.sns import Publication, render_sns
from nephoscope.notifiers.formats.sns_group import render_sns_group

PAGE = Path(__file__).resolve().parents[2] / "shared/nephoscope/notifiers/formats/messages.md"
BEGIN, END = "<!-- bodies: made by `make generated` -->", "<!-- /bodies -->"
TITLES = {"fires": "an alert fires", "ends": "it ends", "together": "five at once, where the channel groups"}
INTEGRATION_KEY = Secret("THE-INTEGRATION-KEY-OF-THE-SERVICE")
"""In place of the one that a channel refers to."""


def main(arguments: Sequence[str]) -> int:
    """1 when the page differs from what would be written, and --check asks; otherwise it is written."""
    before = PAGE.read_text(encoding="utf-8")
    after = insert_bodies(before)
    if "--check" in arguments:
        return int(before != after)
    PAGE.write_text(after, encoding="utf-8")
    return 0


def insert_bodies(page: str) -> str:
    """The page with the bodies between its marks. Raises ValueError where a mark is missing."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{render_bodies()}{END}{after}"


def render_bodies() -> str:
    return "".join([*(_format(name, form) for name, form in FORMATS.items()), _sns()])


def _format(name: str, form: Format) -> str:
    parts = [f"\n### `{name}`\n\n`Content-Type: {form.content_type}`\n"]
    for label, message in samples().items():
        if isinstance(message, GroupMessage) and form.render_group is None:
            continue
        parts.append(_folded(TITLES[label], "json", _body(form, message)))
    return "".join(parts)


def _body(form: Format, message: Message) -> str:
    return json.dumps(json.loads(form.body(message, INTEGRATION_KEY)), indent=1, ensure_ascii=False)


def _sns() -> str:
    return "".join(
        ["\n### An SNS topic\n", *(_folded(TITLES[name], "text", _told(each)) for name, each in _published())]
    )


def _published() -> Iterator[tuple[str, Publication]]:
    for name, message in samples().items():
        yield name, render_sns_group(message) if isinstance(message, GroupMessage) else render_sns(message)


def _told(told: Publication) -> str:
    """As a mail program shows it; then the text for phones, and the attributes."""
    read = json.loads(told.message)
    attributes = "\n".join(f"  {name} = {value}" for name, value in told.attributes.items())
    return f"Subject: {told.subject}\n\n{read['default']}\nSMS: {read['sms']}\n\nMessage attributes:\n{attributes}"


def _folded(title: str, language: str, text: str) -> str:
    """GitHub folds it; a terminal shows two lines more."""
    return f"\n<details><summary>{title}</summary>\n\n```{language}\n{text}\n```\n\n</details>\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
