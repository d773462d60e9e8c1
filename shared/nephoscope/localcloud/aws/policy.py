"""IAM policies, as far as ours use them: who may do what to which, under which condition.

Off until `enforce` is set; then a principal without a policy may do nothing. An operator that is not known here is an
error, for guessing would prove nothing.
Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from nephoscope.localcloud.aws.call import Need

Document = Mapping[str, Any]


class Policies:
    """Policy documents by principal: an access key, or a role's ARN. Several of one principal add up."""

    def __init__(self) -> None:
        self.enforce = False
        self._documents: dict[str, list[Document]] = {}

    def attach(self, principal: str, *documents: Document) -> None:
        self._documents.setdefault(principal, []).extend(documents)

    def clear(self) -> None:
        self.enforce = False
        self._documents.clear()

    def refused(self, principal: str, needs: Iterable[Need]) -> Need | None:
        """The first need that is not granted; None when all are, or nothing is enforced."""
        if not self.enforce:
            return None
        documents = self._documents.get(principal, [])
        return next((need for need in needs if not permits(documents, need)), None)


def permits(documents: Iterable[Document], need: Need) -> bool:
    """Whether the documents together allow it: one statement must, and none may deny."""
    effects = {
        statement["Effect"]
        for document in documents
        for statement in _statements(document)
        if _applies(statement, need, _words(statement, "Action"))
    }
    return "Allow" in effects and "Deny" not in effects


def unused_grants(document: Document, needs: Iterable[Need]) -> tuple[str, ...]:
    """The allowed actions that no need used: `action on resource`, in the document's order."""
    wanted = tuple(needs)
    return tuple(
        f"{action} on {', '.join(_words(statement, 'Resource'))}"
        for statement in _statements(document)
        if statement["Effect"] == "Allow"
        for action in _words(statement, "Action")
        if not any(_applies(statement, need, (action,)) for need in wanted)
    )


def _statements(document: Document) -> Iterator[Mapping[str, Any]]:
    statements = document["Statement"]
    yield from [statements] if isinstance(statements, Mapping) else statements


def _words(statement: Mapping[str, Any], key: str) -> tuple[str, ...]:
    words = statement.get(key, ())
    return (words,) if isinstance(words, str) else tuple(words)


def _applies(statement: Mapping[str, Any], need: Need, actions: tuple[str, ...]) -> bool:
    if odd := {"NotAction", "NotResource", "NotPrincipal"} & statement.keys():
        raise NotImplementedError(f"policy element {odd.pop()} is not known here")
    return (
        any(_like(pattern.lower(), need.action.lower()) for pattern in actions)
        and any(_like(pattern, need.resource) for pattern in _words(statement, "Resource"))
        and all(
            _holds(operator, key, values, need.context)
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        )
    )


def _holds(operator: str, key: str, values: Any, context: Mapping[str, tuple[str, ...]]) -> bool:
    given = {name.lower(): value for name, value in context.items()}.get(key.lower())
    wanted = tuple(map(str, values)) if isinstance(values, list | tuple) else (str(values),)
    quantifier, _, plain = operator.rpartition(":")
    if plain not in _OPERATORS:
        raise NotImplementedError(f"condition operator {operator} is not known here")
    if not given:
        return quantifier == "ForAllValues"
    test = _OPERATORS[plain]
    every = all if quantifier != "ForAnyValue" else any
    return every(any(test(pattern, value) for pattern in wanted) for value in given)


def _like(pattern: str, text: str) -> bool:
    return bool(_compiled(pattern).fullmatch(text))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = (".*" if sign == "*" else "." if sign == "?" else re.escape(sign) for sign in pattern)
    return re.compile("".join(parts), re.DOTALL)


def _equal(pattern: str, text: str) -> bool:
    return pattern == text


def _at_most(limit: str, text: str) -> bool:
    return float(text) <= float(limit)


_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": _equal,
    "StringLike": _like,
    "ArnEquals": _like,
    "ArnLike": _like,
    "Bool": _equal,
    "NumericLessThanEquals": _at_most,
}
