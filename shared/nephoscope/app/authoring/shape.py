"""The keys of nephoscope.yaml, as rows: what each is for, which form its value has. The check and the JSON Schema are
both read from here, so that an editor and `validate` say the same.

A key that CONFIG promises for a later version stands under `later`, so that it is told apart from a misspelt one.
"""

from __future__ import annotations

from nephoscope.app.authoring.keys import Form, Key, Section
from nephoscope.app.authoring.patterns import (
    AZURE_LOCATION,
    DURATION,
    GCP_REGION,
    GROUPED_BY,
    MAIL,
    MANAGEMENT_GROUP,
    NAME,
    PARENT,
    PROJECT,
    PROVIDER,
    REFERENCE,
    SERVICE_ACCOUNT,
    STATE,
    UUID,
)
from nephoscope.app.authoring.shape_publish import PUBLISH
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Severity

KINDS = (Kind.INSTANCE.value, Kind.BUCKET.value)
MISSING = ("ignore", "missing", "breaching", "notBreaching", "tell")
FORMATS = ("json", "slack", "teams", "discord", "google-chat", "alertmanager")

SELECTOR = Section("where", (Key("tags", Form.TAGS, "Tags that a resource must have; * stands for any value.", True),))
EXCEPT = Section(
    "except", (Key("tags", Form.TAGS, "Tags of resources that are left out; * stands for any value.", True),)
)

CHOSEN = (
    Key("resources", Form.TEXTS, "What is watched; instance when left out.", choices=KINDS),
    Key("where", Form.SECTION, "Only resources with these tags.", section=SELECTOR),
    Key("except", Form.SECTION, "Not the resources with these tags.", section=EXCEPT),
)
"""What is watched of a cloud: the same on each."""

ACCOUNT = Section(
    "accounts",
    (
        Key("role", Form.TEXT, "ARN of the role to assume in that account (infra/aws has its template).", True),
        Key(
            "external_id", Form.TEXT, "Reference to the external id that the role's trust asks for.", pattern=REFERENCE
        ),
        Key("linked", Form.FLAG, "It shares its metrics with the dashboard's account (OAM); infra/aws has the link."),
    ),
)

AWS = Section(
    "gather.aws",
    (
        Key("regions", Form.TEXTS, "Regions, or `all` for every one the account has opted into."),
        Key(
            "accounts",
            Form.SECTIONS,
            "Left out: the account it runs in, which a list calls `own`.",
            False,
            (),
            ACCOUNT,
            "own",
        ),
        *CHOSEN,
    ),
    {"organization": "accounts found by AWS Organizations"},
)

GCP_FROM_AWS = Section(
    "gather.gcp.from_aws",
    (
        Key(
            "provider",
            Form.TEXT,
            "Resource name of the workload identity pool's provider (infra/gcp has the commands that make it).",
            True,
            pattern=PROVIDER,
        ),
        Key(
            "service_account",
            Form.TEXT,
            "E-mail address of the service account that AWS's functions become.",
            True,
            pattern=SERVICE_ACCOUNT,
        ),
    ),
)

GCP = Section(
    "gather.gcp",
    (
        Key("projects", Form.TEXTS, "Projects, by id.", pattern=PROJECT),
        Key(
            "search",
            Form.TEXT,
            "In place of projects: all below `folders/123` or `organizations/123`.",
            pattern=PARENT,
        ),
        Key(
            "from_aws",
            Form.SECTION,
            "AWS's functions read it, by workload identity federation. Left out: functions of its own.",
            section=GCP_FROM_AWS,
        ),
        *CHOSEN,
    ),
    {"regions": "choosing among Google's regions; `where` chooses by labels"},
)

AZURE_FROM_AWS = Section(
    "gather.azure.from_aws",
    (
        Key("tenant", Form.TEXT, "The directory (tenant) id.", True, pattern=UUID),
        Key(
            "client",
            Form.TEXT,
            "The client id of the app registration, or user-assigned identity, that trusts AWS's functions"
            " (infra/azure has the commands that make it).",
            True,
            pattern=UUID,
        ),
    ),
)

AZURE = Section(
    "gather.azure",
    (
        Key("subscriptions", Form.TEXTS, "Subscriptions, by id.", pattern=UUID),
        Key(
            "management_group",
            Form.TEXT,
            "In place of subscriptions: all below the management group of this name.",
            pattern=MANAGEMENT_GROUP,
        ),
        Key(
            "workspaces",
            Form.TEXTS,
            "Log Analytics workspaces, by workspace id, that hold what the guests' agents send: disks, heartbeats.",
            pattern=UUID,
        ),
        Key(
            "from_aws",
            Form.SECTION,
            "AWS's functions read it, by workload identity federation. Left out: functions of its own.",
            section=AZURE_FROM_AWS,
        ),
        *CHOSEN,
    ),
    {"regions": "choosing among Azure's regions; `where` chooses by tags"},
)

GATHER = Section(
    "gather",
    (
        Key("every", Form.TEXT, "How often the functions run, `1 min` when left out.", pattern=DURATION),
        Key("blind_after", Form.TEXT, "How long nothing can be read of a scope until that is told.", pattern=DURATION),
        Key("grace", Form.TEXT, "How long after its launch a machine's missing points are no news.", pattern=DURATION),
        Key("aws", Form.SECTION, "Amazon Web Services.", section=AWS),
        Key("gcp", Form.SECTION, "Google Cloud.", section=GCP),
        Key("azure", Form.SECTION, "Microsoft Azure.", section=AZURE),
    ),
)

RULE = Section(
    "rule",
    (
        Key("name", Form.TEXT, "Unique over all files; stands in every message.", True, pattern=NAME),
        Key("on", Form.TEXT, "The kind of resource.", True, KINDS),
        Key(
            "when",
            Form.TEXT,
            "What is bad: `cpu.utilization > 90 %`, `state is stopped`; of a group `avg(cpu.utilization) > 80 %`,"
            " `count(state is running) < 3`.",
            True,
        ),
        Key(
            "by",
            Form.TEXTS,
            "Labels that make the groups of avg, min, max, sum, p95 or count: cloud_region, cloud_account_id,"
            " host_type, tag:NAME; left out: one group of all.",
        ),
        Key("for", Form.TEXT, "How long: `10 min`, or `3 of 5 min`. Left out: one point is enough."),
        Key(
            "clear", Form.TEXT, "When it is over: `cpu.utilization < 80 % for 5 min`. Left out: `when` no longer holds."
        ),
        Key("keep_firing", Form.TEXT, "How long it stays open after `when` last held.", pattern=DURATION),
        Key(
            "missing", Form.TEXT, "What an absent point means; tell: no data is told to the channels.", choices=MISSING
        ),
        Key("severity", Form.TEXT, "warning when left out.", choices=tuple(Severity)),
        Key("tell", Form.TEXTS, "Channels; all that are no fallback when left out, [] for none."),
        Key("where", Form.SECTION, "Only resources with these tags.", section=SELECTOR),
        Key("except", Form.SECTION, "Not the resources with these tags.", section=EXCEPT),
        Key("labels", Form.TEXT_BY_NAME, "Carried by every message of this rule."),
        Key("runbook", Form.TEXT, "Address of a page that says what to do.", pattern="^https?://"),
        Key(
            "summary",
            Form.TEXT,
            "A sentence of your own: {resource} at {value} in {region}, {tag:team}.",
        ),
    ),
    {
        "group_by": "grouping by a rule; a channel has group_by",
    },
)

MATCH = (
    Key("rules", Form.TEXTS, "Names of rules; * stands for any part of a name."),
    Key("severity", Form.TEXTS, "Of the rule.", choices=tuple(each.value for each in Severity)),
    Key("tags", Form.TAGS, "Tags that the resource has; * stands for any value."),
    Key("labels", Form.TEXT_BY_NAME, "Labels that the rule has."),
    Key("resources", Form.TEXTS, "Names or ids of resources; * stands for any part."),
    Key("clouds", Form.TEXTS, "aws, gcp, azure.", choices=("aws", "gcp", "azure")),
    Key("accounts", Form.TEXTS, "Accounts, projects, subscriptions."),
    Key("regions", Form.TEXTS, "Regions; * stands for any part."),
)

ESCALATE = Section(
    "escalate",
    (
        Key("after", Form.TEXT, "How long an alert is open, and nobody acknowledges it.", True, pattern=DURATION),
        Key("tell", Form.TEXTS, "Channels that are told then.", True),
    ),
)

ROUTE = Section(
    "route",
    (
        Key("match", Form.SECTION, "Which alerts; all that is named must fit.", True, section=Section("match", MATCH)),
        Key("tell", Form.TEXTS, "Channels, beside those that the rule names."),
        Key("escalate", Form.SECTION, "Who is told when nobody takes it up.", section=ESCALATE),
    ),
)

QUIET = Section(
    "quiet",
    (
        Key("name", Form.TEXT, "Stands in the history of what it kept quiet.", pattern=NAME),
        Key("every", Form.TEXT, "Days and times: `Sun 02:00-04:00`, `Mon-Fri 22:00-06:00`, `daily 03:00-04:00`."),
        Key("cron", Form.TEXT, "When it begins: minute hour day month weekday; `lasts` says how long it is."),
        Key("lasts", Form.TEXT, "Of a window by cron; 7 d at most.", pattern=DURATION),
        Key("zone", Form.TEXT, "Time zone of `every` and `cron`, such as Europe/Berlin; UTC when left out."),
        Key("from", Form.TEXT, "A single time: 2026-12-24T18:00+01:00."),
        Key("to", Form.TEXT, "When that ends."),
        Key("where", Form.SECTION, "Which alerts; left out: all.", section=Section("where", MATCH)),
    ),
)

CHANNEL = Section(
    "channel",
    (
        Key("sns", Form.TEXT, "ARN of a topic, or `${stack:AlertTopic}`, the deployment's own."),
        Key("webhook", Form.TEXT, "Reference to the address (or the address, where it holds no secret)."),
        Key("pagerduty", Form.TEXT, "Reference to the integration key of a PagerDuty service.", pattern=REFERENCE),
        Key("format", Form.TEXT, "Of a webhook; json when left out.", choices=FORMATS),
        Key(
            "secret", Form.TEXT, "Reference to the key that signs a webhook's messages (whsec_...).", pattern=REFERENCE
        ),
        Key("fallback", Form.FLAG, "Told when another channel had to be given up."),
        Key("allow", Form.TEXTS, "Exceptions from the address check, for this channel.", choices=("http", "private")),
        Key("max_age", Form.TEXT, "How long a message is tried; `1 d` when left out.", pattern=DURATION),
        Key("repeat", Form.TEXT, "How often it is told of what goes on; left out: once.", pattern=DURATION),
        Key(
            "group_by",
            Form.TEXTS,
            "One message for all with the same rule, cloud_region, tag:NAME, ...; [] puts all of a scope in one. Left "
            "out: a message for each alert.",
            pattern=GROUPED_BY,
        ),
        Key(
            "group_wait",
            Form.TEXT,
            "How long the first of a group waits for company; `1 min` when left out.",
            pattern=DURATION,
        ),
        Key(
            "group_interval",
            Form.TEXT,
            "The least time between two messages of a group; `5 min` when left out, `1 d` makes a daily digest.",
            pattern=DURATION,
        ),
    ),
    {
        "email": "mail as a channel of its own (an SNS topic can send mail)",
    },
)

_STATE = Key(
    "state",
    Form.TEXT,
    "Where Terraform keeps what it made: gs://BUCKET/PREFIX, azurerm://RESOURCE-GROUP/STORAGE-ACCOUNT/CONTAINER, or "
    "`local` for this checkout alone.",
    pattern=STATE,
)

DEPLOY_GCP = Section(
    "deploy.gcp",
    (
        Key("project", Form.TEXT, "Left out: the one that is watched, where it is one.", pattern=PROJECT),
        Key("region", Form.TEXT, "Where they run, as europe-west1.", pattern=GCP_REGION),
        _STATE,
    ),
)

DEPLOY_AZURE = Section(
    "deploy.azure",
    (
        Key("subscription", Form.TEXT, "Left out: the one that is watched, where it is one.", pattern=UUID),
        Key("location", Form.TEXT, "Where they run, as westeurope.", pattern=AZURE_LOCATION),
        _STATE,
    ),
)

DEPLOY = Section(
    "deploy",
    (
        Key("gcp", Form.SECTION, "Where the functions that gather Google Cloud live.", section=DEPLOY_GCP),
        Key("azure", Form.SECTION, "Where the functions that gather Azure live.", section=DEPLOY_AZURE),
        Key("notify", Form.TEXTS, "Mail addresses that Google and Azure tell when those fall silent.", pattern=MAIL),
    ),
)

FILE = Section(
    "nephoscope.yaml",
    (
        Key(
            "fleet",
            Form.TEXT,
            "Names the dashboard and stands in every metric and alert.",
            True,
            pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$",
        ),
        Key("gather", Form.SECTION, "What is watched.", True, section=GATHER),
        Key("publish", Form.SECTION, "Where it is shown.", section=PUBLISH),
        Key(
            "page",
            Form.TEXT,
            "Where people reach `nephoscope web`: messages then carry a link to the metric's plot there.",
            pattern="^https?://",
        ),
        Key("rules", Form.RULES, "What counts as bad. Left out: the starter rules.", section=RULE),
        Key("tell", Form.NAMED, "Who is told: a name for each channel.", section=CHANNEL),
        Key("routes", Form.SECTIONS, "Who else is told: by severity, tag or label.", section=ROUTE),
        Key("quiet", Form.SECTIONS, "When nobody is told: maintenance windows.", section=QUIET),
        Key("deploy", Form.SECTION, "Where the functions of Google Cloud and Azure live.", section=DEPLOY),
        Key("limits", Form.FIGURES, "Your own quotas in place of rows of the catalog."),
        Key("prices", Form.FIGURES, "Your own prices in place of rows of the catalog."),
    ),
    {
        "mute": "muting one rule by another",
        "silences": "silences are said on the command line: nephoscope silence",
    },
)
