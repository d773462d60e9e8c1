"""The cell of an alert by which it is acknowledged from the dashboard: a button that asks first, or who has done it.

CloudWatch draws no script. A `<cwdb-action>` says what a click on the element just before it does: here, after the
confirmation, it calls the widget's own function with the JSON inside, and shows the answer in the widget's place.
Source: AmazonCloudWatch user guide, "Interactivity in the custom widget"; the class `btn` is of "Default CSS styling".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape

from nephoscope.pipeline.wording import clean
from nephoscope.views.markup import Html, join, tag

ACTION = "acknowledge"
_NAME = 60


def acknowledge_cell(line: Mapping[str, object], name: str, endpoint: str) -> object:
    """line: of an open alert, with its `episode` and by whom it is `acknowledged`. name: of its machine. endpoint: the
    ARN of this function; without one there is no button."""
    by = clean(str(line.get("acknowledged") or ""), _NAME)
    if by:
        return tag("span", f"✓ {by}", class_="faint", title=f"acknowledged by {by}")
    if not endpoint or not isinstance(line.get("episode"), int):
        return ""
    asked = f"Acknowledge {clean(str(line.get('rule')), _NAME)} on {name}? No repeats and no escalation until it ends."
    params = {"page": "alerts", "action": ACTION, "alert": line.get("alert_key"), "episode": line.get("episode")}
    call = Html(
        f'<cwdb-action action="call" display="widget" confirmation="{escape(asked)}" endpoint="{escape(endpoint)}">'
        f"{escape(json.dumps(params), quote=False)}</cwdb-action>"
    )
    return join([tag("a", "Acknowledge", class_="btn"), call])
