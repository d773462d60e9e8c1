"""A tree against the rows of shape.py: what has the right form goes on, what has not is a problem, each at its place.

What comes out holds only known keys with well-formed values, so that whoever looks for the meaning need not ask again;
what was wrong is left out, and everything else is still looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from nephoscope.app.authoring.document import Items, Keys, Node, Text
from nephoscope.app.authoring.findings import Findings, did_you_mean, listed, nearest
from nephoscope.app.authoring.keys import Form, Key, Section
from nephoscope.app.authoring.shape import FILE
from nephoscope.pipeline.wording import clean


def read_section(node: Node, section: Section, findings: Findings) -> Keys | None:
    """The known, well-formed entries of a mapping; None when it is none. Nothing at all counts as an empty one."""
    if isinstance(node, Text) and node.nothing:
        node = Keys((), node.place)
    if not isinstance(node, Keys):
        findings.problem(node.place, f"{section.name}: expected keys and values, found {describe(node)}")
        return None
    entries, broken, meant = [], set(), set()
    for name, value in node.entries:
        key = section.key(name.value)
        if key is None:
            findings.problem(name.place, _unknown(name.value, section))
            meant.add(nearest(name.value, section.names))
            continue
        where = key.name if section.name == FILE.name else f"{section.name}.{key.name}"
        formed = _formed(value, key, where, findings)
        if formed is None:
            broken.add(key.name)
        else:
            entries.append((name, formed))
    for key in section.keys:
        if key.required and node.key(key.name) is None and key.name not in meant:
            findings.problem(node.place, f'{section.name}: "{key.name}" is missing: {key.about}')
    return replace(node, entries=tuple(entries), broken=frozenset(broken))


def text_of(keys: Keys | None, name: str) -> Text | None:
    """The well-formed text under a key; None where there is none."""
    node = keys.get(name) if keys else None
    return node if isinstance(node, Text) else None


def flag_of(keys: Keys | None, name: str) -> bool:
    """Whether a flag is set; the check has seen to it that it is true or false."""
    text = text_of(keys, name)
    return text is not None and text.value == "true"


def texts_of(keys: Keys | None, name: str) -> tuple[Text, ...] | None:
    """The well-formed texts under a key, one or many; None where the key is not written."""
    node = keys.get(name) if keys else None
    if node is None:
        return None
    nodes = node.nodes if isinstance(node, Items) else (node,)
    return tuple(each for each in nodes if isinstance(each, Text))


def keys_of(keys: Keys | None, name: str) -> Keys | None:
    node = keys.get(name) if keys else None
    return node if isinstance(node, Keys) else None


def items_of(keys: Keys | None, name: str) -> Items | None:
    node = keys.get(name) if keys else None
    return node if isinstance(node, Items) else None


def describe(node: Node) -> str:
    """`"off"`, `a list`, `keys and values`, `nothing`: what was found where something else was expected."""
    if isinstance(node, Items):
        return "a list"
    if isinstance(node, Keys):
        return "keys and values"
    if node.include:
        return f"!include {node.value}"
    return "nothing" if node.nothing else f'"{shorten(node.value)}"'


def shorten(text: str) -> str:
    """One line of a text, at most 60 characters, for a message."""
    return clean(text, 60)


def _unknown(name: str, section: Section) -> str:
    if name in section.later:
        return f'"{name}" is not supported by this version: {section.later[name]}'
    guess = did_you_mean(name, section.names) or f"; known are {listed(section.names)}"
    where = "" if section.name == FILE.name else f"{section.name}: "
    return f'{where}unknown key "{shorten(name)}"{guess}'


_INNER = {Form.TAGS: Form.TEXTS, Form.TEXT_BY_NAME: Form.TEXT, Form.FIGURES: Form.TEXT_BY_NAME}
"""What stands under each name of a mapping whose names are the user's own."""


def _formed(node: Node, key: Key, where: str, findings: Findings) -> Node | None:
    """The node when it has the key's form, or what of it has."""
    if isinstance(node, Text) and node.include and key.form is not Form.RULES:
        findings.problem(node.place, f"{where}: !include brings rules; it stands under rules only")
        return None
    if key.form in (Form.TEXT, Form.FLAG):
        return _text(node, key, where, findings)
    if key.form is Form.ANY:
        return node
    if key.form is Form.SECTION:
        return read_section(node, key.inside, findings)
    return _READERS[key.form](node, key, where, findings)


def _expected(node: Node, form: str, where: str, findings: Findings, guess: str = "") -> None:
    findings.problem(node.place, f"{where}: expected {form}, found {describe(node)}{guess}")


def _text(node: Node, key: Key, where: str, findings: Findings) -> Text | None:
    choices = ("true", "false") if key.form is Form.FLAG else key.choices
    expected = listed(choices, "or") if choices else "a text"
    if not isinstance(node, Text) or node.nothing or not node.value.strip():
        _expected(node, expected, where, findings)
    elif node.value in key.later:
        findings.problem(node.place, f'{where}: "{node.value}" is not supported by this version; expected {expected}')
    elif choices and node.value not in choices:
        close = nearest(node.value, choices) if len(choices) > 2 else ""
        _expected(node, expected, where, findings, f"; did you mean {close}?" if close else "")
    else:
        return node
    return None


def _texts(node: Node, key: Key, where: str, findings: Findings) -> Node | None:
    if isinstance(node, Items):
        nodes = [_text(each, key, where, findings) for each in node.nodes]
        return replace(node, nodes=tuple(each for each in nodes if each))
    if isinstance(node, Keys) or node.nothing:
        _expected(node, "a text or a list of texts", where, findings)
        return None
    return _text(node, key, where, findings)


def _sections(node: Node, key: Key, where: str, findings: Findings) -> Node | None:
    if not isinstance(node, Items):
        _expected(node, "a list", where, findings)
        return None
    found = [
        each if isinstance(each, Text) and each.value == key.word else read_section(each, key.inside, findings)
        for each in node.nodes
    ]
    return replace(node, nodes=tuple(each for each in found if each))


def _named(node: Node, key: Key, where: str, findings: Findings) -> Node | None:
    if isinstance(node, Text) and node.nothing:
        return Keys((), node.place)
    if not isinstance(node, Keys):
        _expected(node, "names, each with keys and values", where, findings)
        return None
    found = [(name, read_section(value, key.inside, findings)) for name, value in node.entries]
    return replace(node, entries=tuple((name, value) for name, value in found if value is not None))


def _rules(node: Node, _key: Key, where: str, findings: Findings) -> Node | None:
    """A list, which may come from other files; each rule is read for itself, later."""
    if isinstance(node, Items) or (isinstance(node, Text) and node.include):
        return node
    if isinstance(node, Text) and node.nothing:
        text = f"{where}: found nothing; write [] for no rules, or leave the key out for the starter rules"
        findings.problem(node.place, text)
        return None
    _expected(node, "a list of rules or !include FILE", where, findings)
    return None


def _by_name(node: Node, key: Key, where: str, findings: Findings) -> Node | None:
    if not isinstance(node, Keys):
        _expected(node, "names, each with a value", where, findings)
        return None
    inner = replace(key, form=_INNER[key.form])
    found = [(name, _formed(value, inner, f"{where}.{name.value}", findings)) for name, value in node.entries]
    return replace(node, entries=tuple((name, value) for name, value in found if value is not None))


_READERS: Mapping[Form, Callable[[Node, Key, str, Findings], Node | None]] = {
    Form.TEXTS: _texts,
    Form.SECTIONS: _sections,
    Form.RULES: _rules,
    Form.NAMED: _named,
    Form.TAGS: _by_name,
    Form.TEXT_BY_NAME: _by_name,
    Form.FIGURES: _by_name,
}
