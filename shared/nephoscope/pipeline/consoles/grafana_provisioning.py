"""What Grafana reads when it starts: its data sources, and where the dashboard's file is. No secret stands in it:
Grafana is given an identity where it runs, and what differs from place to place it takes from its environment.

Sources: Grafana, "Provision Grafana" (data sources, dashboards, `$NAME` for variables of the environment), and its
pages on provisioning each of the three data sources (jsonData).
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from nephoscope.model.config import Config
from nephoscope.model.scope import Cloud
from nephoscope.pipeline.board.parts import Board
from nephoscope.pipeline.consoles.grafana_history_source import render_source
from nephoscope.pipeline.consoles.grafana_history_targets import Product
from nephoscope.pipeline.consoles.grafana_targets import TYPES, source_name, source_uid

DASHBOARDS = "/etc/grafana/provisioning/nephoscope"
"""Where the dashboard's file is to lie on Grafana's machine."""

_HEAD = (
    "# Written by `nephoscope dashboard --for grafana`; infra/grafana/README.md says which variables Grafana needs.\n"
)

_SOURCES: Mapping[Cloud, str] = {
    Cloud.AWS: """\
  - name: {name}
    uid: {uid}
    type: {type}
    access: proxy
    jsonData:
      # The SDK's own search: a role of the machine or pod, a profile, variables of the environment.
      authType: default
      assumeRoleArn: $NEPHOSCOPE_GRAFANA_ROLE_ARN
      defaultRegion: {region}
      customMetricsNamespaces: {namespace}
""",
    Cloud.GCP: """\
  - name: {name}
    uid: {uid}
    type: {type}
    access: proxy
    jsonData:
      # The service account of the machine; with keys of its own, Grafana's documentation says how.
      authenticationType: gce
      defaultProject: $NEPHOSCOPE_GRAFANA_PROJECT
""",
    Cloud.AZURE: """\
  - name: {name}
    uid: {uid}
    type: {type}
    access: proxy
    jsonData:
      # Managed identity, which managed_identity_enabled = true in Grafana's [azure] section allows.
      azureAuthType: msi
      subscriptionId: $NEPHOSCOPE_GRAFANA_SUBSCRIPTION
""",
}

_PROVIDER = """\
apiVersion: 1
providers:
  - name: nephoscope
    folder: nephoscope
    type: file
    disableDeletion: true
    allowUiUpdates: false
    updateIntervalSeconds: 60
    options:
      path: {path}
"""


def render_datasources(board: Board, config: Config, product: Product = Product.ELASTICSEARCH) -> str:
    """datasources/nephoscope.yaml: CloudWatch, where our figures are, the other clouds that are shown, and history
    where it is kept."""
    clouds = [cloud for cloud in Cloud if cloud is Cloud.AWS or cloud in board.clouds]
    publish = config.publish
    texts = [
        _SOURCES[cloud].format(
            name=source_name(cloud),
            uid=source_uid(cloud),
            type=TYPES[cloud],
            region=publish.region,
            namespace=json.dumps(publish.namespace),
        )
        for cloud in clouds
    ]
    if config.history:
        texts.append(render_source(config.history, product))
    return f"{_HEAD}apiVersion: 1\ndatasources:\n{''.join(texts)}"


def render_provider() -> str:
    """dashboards/nephoscope.yaml."""
    return _HEAD + _PROVIDER.format(path=DASHBOARDS)
