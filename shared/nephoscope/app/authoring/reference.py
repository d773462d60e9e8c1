"""The reference of every key of nephoscope.yaml, as Markdown that reads well in a terminal, too: made from the rows
that the check and the JSON Schema are made from, the defaults that the compiler applies, and examples that are
compiled."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import nephoscope.catalog
from nephoscope.app.authoring.defaults import read_defaults
from nephoscope.app.authoring.examples import examples
from nephoscope.app.authoring.keys import Form, Key, Section
from nephoscope.app.authoring.patterns import DURATION, REFERENCE
from nephoscope.app.authoring.quantities import DURATIONS
from nephoscope.app.authoring.references import NAMES
from nephoscope.app.authoring.shape import FILE

REFERENCE_FILE = Path(nephoscope.catalog.__path__[0]) / "configuration.md"
WIDTH = 118

_ABOUT = {
    "env": "an environment variable; for commands on your own machine, a deployment refuses it",
    "ssm": "a parameter of AWS Systems Manager",
    "secretsmanager": "a secret of AWS Secrets Manager",
    "gcp-secret": "a secret of Google Secret Manager, where Google Cloud alone is gathered",
    "key-vault": "`VAULT/NAME` in an Azure Key Vault, where Azure alone is gathered",
    "own-cloud": "the secret of that name in whichever cloud the function runs in",
    "stack": "what the deployment itself makes: `${stack:AlertTopic}`",
}

_NOTES = {
    "gather": "At least one of `aws`, `gcp` and `azure` is written.",
    "gather.gcp": "One of `projects` and `search` says what is watched.",
    "gather.azure": "One of `subscriptions` and `management_group` says what is watched.",
    "channel": "One of `sns`, `webhook` and `pagerduty` says what the channel is. In PagerDuty's EU service region\n"
    "`webhook: https://events.eu.pagerduty.com/v2/enqueue` stands beside `pagerduty`.",
    "route": "One of `tell` and `escalate`, or both.",
    "quiet": "One of `every`, `cron` (with `lasts`) and `from` (with `to`) says when it is quiet.",
}
"""What a single key cannot say, by the section's name."""

_Paths = Mapping[int, list[str]]


def render_reference() -> str:
    """Markdown with a line feed at its end; the same for the same rows."""
    paths = _paths()
    defaults = read_defaults()
    return "\n".join([_head(), *(_section(each, defaults, paths) for each in sections())])


def sections() -> list[Section]:
    """Every section that the file can have, each once, in the order of the file."""
    found: dict[int, Section] = {}
    for section, _ in _walk(FILE, ""):
        found.setdefault(id(section.keys), section)
    return list(found.values())


def _head() -> str:
    references = "\n".join(f"- `${{{kind}:NAME}}`: {_ABOUT[kind]}." for kind in NAMES)
    return f"""# Configuration

Every key of `nephoscope.yaml`, made by `make generated` from the rows that the check itself reads
(`shared/nephoscope/app/authoring/shape.py`). `nephoscope validate --explain` says how a file of yours is understood.

- **A duration** is a whole number with {", ".join(f"`{word}`" for word in DURATIONS)}: `10 min`.
- **One or a list:** `prod` and `[prod, staging]` are both right.
- **A reference** stands in place of a secret; `#key` behind the name takes one key of a JSON secret.
- **What is written nowhere has its default.** A key that does not exist is refused, with the nearest that does.

References:

{references}

The words of a condition (`when`, `clear`) are the metrics in [metrics.md](metrics.md) and what is seen: `state`,
`check.system`, `check.instance`, `check.ebs`, `provisioning`.
"""


def _section(section: Section, defaults: Mapping[tuple[str, str], str], paths: _Paths) -> str:
    title = "The file" if section is FILE else ", ".join(f"`{path}`" for path in paths[id(section.keys)])
    note = f"{_NOTES[section.name]}\n\n" if section.name in _NOTES else ""
    keys = "\n".join(_key(key, defaults.get((section.name, key.name)), paths) for key in section.keys)
    shown = "".join(f"\n```yaml\n{text}```\n" for text in examples().get(section.name, ()))
    return f"## {title}\n\n{note}{keys}{_later(section)}{shown}"


def _later(section: Section) -> str:
    words = "; ".join(f"`{name}` ({about})" for name, about in section.later.items())
    return f"\n{_wrapped(f'Refused until a later version: {words}.', '')}\n" if words else ""


def _key(key: Key, default: str | None, paths: _Paths) -> str:
    needed = "**needed**" if key.required else f"default `{default}`" if default else "may be left out"
    form = _form(key, paths)
    about = _wrapped(f"- **`{key.name}`**: {key.about}").removeprefix("  ")
    return f"{about}\n  *{form[0].upper()}{form[1:]}; {needed}.*\n"


def _wrapped(text: str, indent: str = "  ") -> str:
    return textwrap.fill(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _form(key: Key, paths: _Paths) -> str:
    return _FORMS[key.form](key, paths)


def _text(key: Key, _: _Paths) -> str:
    if key.choices:
        return f"one of {_choices(key)}"
    return {DURATION: "a duration", REFERENCE: "a reference"}.get(key.pattern, "text")


def _texts(key: Key, _: _Paths) -> str:
    return f"one or a list of {_choices(key)}" if key.choices else "one text or a list"


def _choices(key: Key) -> str:
    return ", ".join(f"`{choice}`" for choice in key.choices)


def _sections(key: Key, paths: _Paths) -> str:
    word = f", or the word `{key.word}`" if key.word else ""
    return f"a list of sections{word}, see {_link(key, paths)}"


def _link(key: Key, paths: _Paths) -> str:
    """GitHub's anchor of a heading: lower case, blanks as hyphens, and nothing but letters, digits, - and _."""
    titles = paths[id(key.inside.keys)]
    title = ", ".join(titles).lower()
    anchor = "".join(each for each in title.replace(" ", "-") if each.isalnum() or each in "-_")
    return f"[{key.inside.name}](#{anchor})"


_FORMS: Mapping[Form, Callable[[Key, _Paths], str]] = {
    Form.TEXT: _text,
    Form.FLAG: lambda *_: "`true` or `false`",
    Form.TEXTS: _texts,
    Form.SECTION: lambda key, paths: f"a section, see {_link(key, paths)}",
    Form.SECTIONS: _sections,
    Form.RULES: lambda key, paths: f"a list of rules or `!include FILES`, see {_link(key, paths)}",
    Form.NAMED: lambda key, paths: f"a section under each name that you choose, see {_link(key, paths)}",
    Form.TAGS: lambda *_: "for each tag a value, or a list of values of which one must fit",
    Form.TEXT_BY_NAME: lambda *_: "a text under each name",
    Form.FIGURES: lambda *_: "numbers by name, under the name of a row",
    Form.ANY: lambda *_: "several forms",
}

_BELOW = {Form.SECTIONS: "[]", Form.RULES: "[]", Form.NAMED: ".NAME"}


def _paths() -> _Paths:
    """Where each section stands in the file, by the identity of its rows, which several places may share."""
    paths: dict[int, list[str]] = {}
    for section, path in _walk(FILE, ""):
        paths.setdefault(id(section.keys), []).append(path)
    return paths


def _walk(section: Section, path: str) -> Iterator[tuple[Section, str]]:
    """Depth first, in the order of the rows."""
    yield section, path
    for key in section.keys:
        if key.section is not None:
            yield from _walk(key.section, f"{path}.{key.name}".lstrip(".") + _BELOW.get(key.form, ""))
