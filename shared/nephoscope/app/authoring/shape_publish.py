"""The rows of shape.py for `publish`: where what is gathered is shown, and where it is kept."""

from __future__ import annotations

from nephoscope.app.authoring.keys import Form, Key, Section
from nephoscope.app.authoring.patterns import REFERENCE

CLOUDWATCH = Section(
    "publish.cloudwatch",
    (
        Key("region", Form.TEXT, "Where metrics and dashboard are; the first region gathered when left out."),
        Key(
            "dashboard",
            Form.TEXT,
            "The dashboard's name; the fleet's when left out.",
            pattern=r"^[A-Za-z0-9_-]{1,200}$",
        ),
        Key("namespace", Form.TEXT, "CloudWatch namespace of the metrics it writes; nephoscope when left out."),
        Key("distributions", Form.TEXTS, "Metrics published as fleet distributions; cpu.utilization when left out."),
        Key("detail", Form.TEXT, "fleet: distributions. resource: a series each.", choices=("fleet", "resource")),
    ),
)

ELASTICSEARCH = Section(
    "publish.elasticsearch",
    (
        Key("url", Form.TEXT, "https://HOST:PORT, or a reference to a secret that is one.", True),
        Key("api_key", Form.TEXT, "A reference to the API key, as the server encoded it.", pattern=REFERENCE),
        Key("user", Form.TEXT, "In place of an API key; OpenSearch has no other way."),
        Key("password", Form.TEXT, "A reference to the user's password.", pattern=REFERENCE),
        Key("ca", Form.TEXT, "A PEM file beside this one, with the server's own certificate authority."),
        Key("index", Form.TEXT, "What the indices' names begin with; nephoscope when left out."),
        Key("keep", Form.TEXT, "Days until a day's indices are deleted; `90 d` when left out, or `forever`."),
        Key("metrics", Form.TEXTS, "Gathered and kept beside those that rules read."),
        Key(
            "tags",
            Form.TEXTS,
            "Tags that stand with each document, to group and choose by; env, environment, team, owner, service, app,"
            " role and project when left out.",
        ),
        Key("shards", Form.TEXT, "Of each index; 1 when left out."),
        Key("replicas", Form.TEXT, "Of each index; one where the cluster has two nodes when left out."),
    ),
)

PUBLISH = Section(
    "publish",
    (
        Key("cloudwatch", Form.SECTION, "The dashboard and what stands on it.", section=CLOUDWATCH),
        Key("elasticsearch", Form.SECTION, "Where history is kept.", section=ELASTICSEARCH),
    ),
)
