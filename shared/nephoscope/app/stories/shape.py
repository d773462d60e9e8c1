"""The keys of a story file, as rows, read as those of nephoscope.yaml are."""

from __future__ import annotations

from nephoscope.app.authoring.keys import Form, Key, Section
from nephoscope.app.authoring.shape import KINDS
from nephoscope.model.alert import TransitionKind, Why
from nephoscope.model.scope import Cloud

CLOUDS = tuple(cloud.value for cloud in Cloud)
WHYS = tuple(why.value for why in Why)

SERIES = Section(
    "series",
    (
        Key("values", Form.TEXT, "`10 95 _ 95x3`; _ is no point, ? is unknown.", True),
        Key("every", Form.TEXT, "How far the values are apart; `1 min` when left out."),
        Key("from", Form.TEXT, "The minute at which the first period begins; 0 when left out."),
        Key("unit", Form.TEXT, "Of numbers without one."),
        Key("attributes", Form.TEXT_BY_NAME, "Of a metric that is several series: a device, a mount point."),
    ),
)

MACHINE = Section(
    "machine",
    (
        Key("on", Form.TEXT, "The kind of resource; instance when left out.", choices=KINDS),
        Key("cloud", Form.TEXT, "aws when left out.", choices=CLOUDS),
        Key("account", Form.TEXT, "Account, project or subscription."),
        Key("region", Form.TEXT, "eu-west-1 on AWS, europe-west1 on Google, westeurope on Azure when left out."),
        Key("type", Form.TEXT, "The machine's type."),
        Key("tags", Form.TEXT_BY_NAME, "Its tags or labels."),
        Key("detailed", Form.FLAG, "EC2 detailed monitoring: a point each minute."),
        Key("launched", Form.TEXT, "The minute at which it was launched; long ago when left out."),
        Key("state", Form.ANY, "A state, or minute: state; `absent` while it is not there. running when left out."),
        Key("seen", Form.ANY, "What is seen rather than measured: check.system: {0: ok, 5: failed}."),
        Key("series", Form.ANY, "metric: values, or keys and values, or a list of those."),
    ),
)

EXPECTATION = Section(
    "expect",
    (
        *(Key(kind.value, Form.TEXT, f"The rule whose alert is {kind.value}.") for kind in TransitionKind),
        Key("on", Form.TEXT, "The machine."),
        Key("at", Form.TEXT, "Minute of data time: the end of the period that decides."),
        Key("told", Form.TEXT, "Minute of the run that tells: later than `at` by the provider's publication delay."),
        Key("tell", Form.TEXTS, "Exactly these channels; [] for nobody."),
        Key("why", Form.TEXT, "The word that stands in the message.", choices=WHYS),
    ),
)

ACK = Section(
    "ack",
    (
        Key("at", Form.TEXT, "The minute.", True),
        Key("rule", Form.TEXT, "The alert's rule.", True),
        Key("on", Form.TEXT, "The alert's machine.", True),
        Key("by", Form.TEXT, "Who."),
    ),
)

SILENCE = Section(
    "silence",
    (
        Key("at", Form.TEXT, "The minute.", True),
        Key("for", Form.TEXT, "How long.", True),
        Key("rules", Form.TEXTS, "Names of rules; * stands for any part."),
        Key("resources", Form.TEXTS, "Names of machines; * stands for any part."),
    ),
)

STORY = Section(
    "story",
    (
        Key("name", Form.TEXT, "What it tells, in a sentence.", True),
        Key("rules", Form.ANY, "A configuration, `starter`, or a list of rules; --config when left out."),
        Key("only", Form.TEXTS, "The rules that it is about; all when left out."),
        Key("machines", Form.NAMED, "A name for each machine.", True, section=MACHINE),
        Key("begins", Form.TEXT, "What minute 0 is; Monday, 2026-01-05T12:00Z when left out."),
        Key("until", Form.TEXT, "The minute of the last run; when left out, all that is written is settled then."),
        Key("runs", Form.TEXT, "How often; as gather.every says when left out."),
        Key("blind", Form.TEXTS, "Minutes of runs that can read nothing: 5, or 5-9."),
        Key("unread", Form.TEXTS, "Minutes of runs that can read no metric: 5, or 5-9."),
        Key("ack", Form.SECTIONS, "Who acknowledges what, when.", section=ACK),
        Key("silence", Form.SECTIONS, "Who is silenced, when.", section=SILENCE),
        Key("expect", Form.ANY, "What happens, all of it, in order; or `nothing`.", True),
    ),
)
