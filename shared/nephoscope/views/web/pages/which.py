"""Which machine a page is about, by its address."""

from __future__ import annotations

from nephoscope.model.resource import Resource
from nephoscope.model.scope import Scope
from nephoscope.pipeline.looking.look import Look
from nephoscope.pipeline.wording import clean, render_id
from nephoscope.views.web.parts import Asked


def named(asked: Asked) -> str:
    """The page's heading."""
    resource = resource_of(asked)
    name = resource.name if resource else ""
    return clean(name, 120) or clean(render_id(asked.query.get("id", "")), 120)


def scope_of(asked: Asked) -> Scope | None:
    try:
        return Scope.from_key(asked.query.get("scope", ""))
    except ValueError:
        return None


def resource_of(asked: Asked) -> Resource | None:
    scope, shown = scope_of(asked), asked.seen.shown
    return shown.look.found(scope, asked.query.get("id", "")) if scope and shown else None


def found_in(asked: Asked) -> tuple[Look, Resource] | None:
    resource = resource_of(asked)
    return (asked.seen.shown.look, resource) if asked.seen.shown and resource else None
