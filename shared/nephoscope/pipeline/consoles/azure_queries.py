"""What an Azure workbook asks, in Kusto: Resource Graph for what there is, logs for what agents and functions write.

`{Location}` and `{TimeRange:grain}` are the workbook's own parameters, which it puts in before it asks; the time range
itself and the subscriptions go with the question.

Sources: Azure Resource Graph, "Supported tables" (resources, computeresources, alertsmanagementresources); Azure
Workbooks, "Drop-down parameters" (a value for all) and "Time parameters" (`{TimeRange:grain}`); Kusto string literals
(backslash escapes).
"""

from __future__ import annotations

from collections.abc import Iterable

from nephoscope.catalog.loader import Catalog
from nephoscope.model.metric import Source
from nephoscope.model.resource import Kind, StateGroup
from nephoscope.model.scope import Cloud
from nephoscope.pipeline.board.parts import Measure, Take
from nephoscope.pipeline.consoles.azure_items import braceless
from nephoscope.pipeline.units import SHOWN

MACHINE = "microsoft.compute/virtualmachines"
SCALE_SET_MACHINE = "microsoft.compute/virtualmachinescalesets/virtualmachines"
STORAGE = "microsoft.storage/storageaccounts"

ANYWHERE = "*"
_PLACE = f"| where '{ANYWHERE}' in ({{Location}}) or location in~ ({{Location}})"
_JOINED = {Take.AVERAGE: "avg", Take.SUM: "sum", Take.HIGHEST: "max", Take.LOWEST: "min"}


def text(value: str) -> str:
    """A string of Kusto, within a workbook."""
    escaped = braceless(value).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def machines(catalog: Catalog) -> str:
    """Every machine, scale sets' members too, with its state as our catalog's rows say it."""
    return f"""\
resources
| where type =~ '{MACHINE}'
| union (computeresources | where type =~ '{SCALE_SET_MACHINE}')
{_PLACE}
| extend power = tolower(tostring(properties.extended.instanceView.powerState.code))
| extend provisioning = tolower(tostring(properties.provisioningState))
| extend power = iff(provisioning == 'deleting' or isempty(power), provisioning, power)
| extend word = replace_string(power, 'powerstate/', '')
| extend State = {_state_groups(catalog)}"""


def _state_groups(catalog: Catalog) -> str:
    words: dict[StateGroup, list[str]] = {}
    for (cloud, word), state in sorted(catalog.states.items()):
        if cloud is Cloud.AZURE:
            words.setdefault(state.group, []).append(text(word))
    cases = ", ".join(f"word in ({', '.join(own)}), '{group}'" for group, own in words.items())
    return f"case({cases}, '{StateGroup.CHANGING}')"  # as a state that nobody knows counts elsewhere


def counted_by_state(catalog: Catalog) -> str:
    return f"{machines(catalog)}\n| summarize Machines = count() by State\n| order by State asc"


def counted_by_place(catalog: Catalog) -> str:
    """A row for each subscription and region, a column for each state."""
    columns = ", ".join(f"{group.capitalize()} = countif(State == '{group}')" for group in StateGroup)
    return f"""\
{machines(catalog)}
| summarize {columns} by Subscription = subscriptionId, Location = location
| order by Running desc"""


def running_by_place(catalog: Catalog) -> str:
    return f"""\
{machines(catalog)}
| where State == '{StateGroup.RUNNING}'
| summarize Running = count() by location
| order by Running desc"""


def fired_alerts() -> str:
    """Azure Monitor's own: the newest of those that are on."""
    return """\
alertsmanagementresources
| where type =~ 'microsoft.alertsmanagement/alerts'
| extend essentials = properties.essentials
| where tostring(essentials.monitorCondition) =~ 'Fired' and tostring(essentials.alertState) !~ 'Closed'
| project Severity = tostring(essentials.severity), Alert = name, Target = tostring(essentials.targetResource), \
Fired = todatetime(essentials.startDateTime)
| order by Severity asc, Fired desc
| take 50"""


def resources_of(kind: Kind) -> str:
    """The ids that a picker offers."""
    wanted = MACHINE if kind is Kind.INSTANCE else STORAGE
    return f"resources\n| where type =~ '{wanted}'\n{_PLACE}\n| order by name asc\n| project id"


def locations() -> str:
    wanted = f"'{MACHINE}', '{SCALE_SET_MACHINE}', '{STORAGE}'"
    return f"""\
resources
| where type in~ ({wanted})
| distinct location
| order by location asc
| project value = location, label = location, selected = false"""


def workspaces(ids: Iterable[str]) -> str:
    """The Log Analytics workspaces that the configuration names by their own ids."""
    named = ", ".join(map(text, sorted(ids)))
    return f"""\
resources
| where type =~ 'microsoft.operationalinsights/workspaces'
| where tostring(properties.customerId) in~ ({named})
| project id"""


def worst_in_logs(ask: Measure, source: Source) -> str:
    """The machines that went furthest, by a query of the catalog's, in the unit that people read."""
    shown = SHOWN[ask.metric.unit]
    keys = ", ".join(("Machine = _ResourceId", *source.attributes))
    order = "desc" if ask.upward else "asc"
    return f"""\
{source.query.strip()}
| summarize vendor = {source.statistic}(value) by {keys}
| extend Value = (vendor * {source.scale!r} + {source.offset!r}) * {shown.factor!r}
| project-away vendor
| top {ask.most} by Value {order}"""


def course_in_logs(ask: Measure, source: Source) -> str:
    """All machines in one line; those of a moment first by machine, as the catalog's row says."""
    shown = SHOWN[ask.metric.unit]
    keys = ", ".join(("TimeGenerated = bin(TimeGenerated, {TimeRange:grain})", "_ResourceId", *source.attributes))
    return f"""\
{source.query.strip()}
| summarize vendor = {source.statistic}(value) by {keys}
| extend each = (vendor * {source.scale!r} + {source.offset!r}) * {shown.factor!r}
| summarize {ask.take.value} = {_JOINED[ask.take]}(each) by TimeGenerated"""


def runs() -> str:
    """Our functions' runs in Application Insights, good and bad."""
    return """\
requests
| extend Run = strcat(name, iff(success == true, '', ': failed'))
| summarize Runs = count() by bin(timestamp, {TimeRange:grain}), Run"""


def lengths() -> str:
    """How long runs take: what 99 of 100 are below, in seconds."""
    return """\
requests
| summarize Seconds = percentile(duration, 99) / 1000 by bin(timestamp, {TimeRange:grain}), name"""


def last_runs() -> str:
    return """\
requests
| where success == true
| summarize Last = max(timestamp) by Function = name
| extend Minutes = round((now() - Last) / 1m, 1)
| project Function, Minutes"""
