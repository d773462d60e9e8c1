"""The custom widget's answer: what changes with each run, from the snapshots, as HTML for CloudWatch's dashboard.

CloudWatch asks the function with the widget's `params` and a `widgetContext` (width, theme), shows the HTML it gets,
and takes out scripts, `<iframe>` and `<use>`. `{"describe": true}` asks for documentation in Markdown.
Source: AmazonCloudWatch user guide, "Details about custom widgets" and "Interactivity in the custom widget".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nephoscope.catalog.loader import Catalog
from nephoscope.model.config import Config
from nephoscope.model.memory import Snapshot
from nephoscope.model.scope import Scope
from nephoscope.pipeline.wording import clean, render_time
from nephoscope.views.markup import Html, join, tag
from nephoscope.views.widget_alerts import alerts, answer, gaps
from nephoscope.views.widget_asked import STALE, Asked, chosen, narrowed
from nephoscope.views.widget_cells import ago
from nephoscope.views.widget_machines import states, worst
from nephoscope.views.widget_style import RULES

DESCRIPTION = """## nephoscope

What changes with every run, from what nephoscope remembers of each scope. Asks no cloud.

### Parameters
| name | meaning |
|---|---|
| `page` | `answer` (is all well?), `alerts` (firing now), `worst` (machines), `states` (by region), `gaps` (where we \
are blind) |
| `metric` | on `worst`: only this metric, e.g. `cpu.utilization` |
| `account`, `region` | only this account, project or subscription, only this region |

On `alerts` each alert has a button: acknowledged, it is not repeated and not escalated until it ends.

### Example
``` yaml
page: worst
metric: cpu.utilization
```
"""


def render_widget(
    event: Mapping[str, Any],
    snapshots: Sequence[Snapshot],
    config: Config,
    catalog: Catalog,
    now: int,
    unseen: Sequence[Scope] = (),
    *,
    endpoint: str = "",
    said: str = "",
) -> str:
    """The widget's HTML, or its documentation in Markdown where the event asks for `describe`.

    now: epoch seconds, for the age of what is shown. unseen: scopes that are registered and have no snapshot yet.
    endpoint: the ARN of the function that answers, which its buttons call; empty = it has none. said: what became of
    what somebody did. An unknown page is said to be one; nothing in the event can make this raise.
    """
    if event.get("describe"):
        return DESCRIPTION
    context = event.get("widgetContext")
    dark = isinstance(context, Mapping) and context.get("theme") == "dark"
    name = str(event.get("page") or "alerts")
    page = _PAGES.get(name)
    if page is None:
        return tag("p", f"There is no page {event.get('page')!r}. Pages: {', '.join(_PAGES)}.")
    account, region = chosen(event, "account", config), chosen(event, "region", config)
    kept = narrowed([*(one.scope for one in snapshots), *unseen], account, region)
    seen, missing = [one for one in snapshots if one.scope in kept], [scope for scope in unseen if scope in kept]
    metric = str(event.get("metric") or "")
    asked = Asked(seen, missing, config, catalog, now, metric, endpoint, account, region)
    done = tag("p", clean(said, 300), class_="said") if said else ""
    parts = [done, _only(asked), page(asked), "" if name == "answer" else _age(asked)]
    return join([STYLE, tag("div", *parts, class_="nephoscope dark" if dark else "nephoscope")])


_PAGES: Mapping[str, Callable[[Asked], Html]] = {
    "answer": answer,
    "alerts": alerts,
    "worst": worst,
    "states": states,
    "gaps": gaps,
}


def _only(asked: Asked) -> Html:
    """A page of a part must not be taken for one of everything."""
    shown = [
        f"{word} {clean(value, 80)}" for word, value in (("account", asked.account), ("region", asked.region)) if value
    ]
    return tag("p", f"Only {', '.join(shown)}.", class_="said") if shown else Html("")


def _age(asked: Asked) -> Html:
    """From when the oldest part is: a page that is not of now must say so."""
    if not asked.snapshots:
        nothing = "Nothing is known of it." if asked.account or asked.region else "No run has written anything yet."
        return tag("p", nothing, class_="faint")
    first = min(one.slot for one in asked.snapshots)
    age = asked.now - first
    words = f"As of {render_time(first)}, {ago(age)}."
    return tag("p", f"⚠ {words}" if age > STALE else words, class_="over-text" if age > STALE else "faint")


STYLE = tag("style", Html(RULES))
