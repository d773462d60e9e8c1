"""The command line beside a deployment: the same DynamoDB table, an SNS topic, real processes."""

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from nephoscope.localcloud.receivers import Receiver
from nephoscope.stores.dynamodb import create_table

CONFIG = """
fleet: acme
gather: {{aws: {{regions: [eu-central-1, eu-west-1, us-east-1]}}}}
rules:
  - {{name: parked, on: instance, when: state is stopped, tell: [oncall]}}
tell:
  oncall: {{sns: "{topic}"}}
"""


@pytest.fixture
def shell(local_aws, tmp_path):
    """A folder with a configuration, and a command line that sees this AWS and no other."""
    table = f"nephoscope-{uuid.uuid4().hex[:8]}"
    create_table(local_aws.client("dynamodb"), table)
    topic = local_aws.client("sns").create_topic(Name=table)["TopicArn"]
    (tmp_path / "nephoscope.yaml").write_text(CONFIG.format(topic=topic))
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "NEPHOSCOPE_TABLE": table}
    local_aws.set_time(None)

    def call(*arguments):
        script = Path(sys.executable).with_name("nephoscope")
        whole = environment | local_aws.environment()
        return subprocess.run(
            [script, *arguments], check=False, cwd=tmp_path, env=whole, capture_output=True, text=True, timeout=60
        )

    call.topic = topic
    return call


def test_a_run_its_status_and_what_the_subscriber_got(shell, local_aws):
    with Receiver() as receiver:
        sns = local_aws.client("sns")
        sns.subscribe(TopicArn=shell.topic, Protocol="http", Endpoint=receiver.sns_url("oncall"))
        assert receiver.wait_until_confirmed("oncall")
        ran = shell("run")
        assert ran.returncode == 0, ran.stderr
        stopped = json.loads(shell("list", "--json", "--state", "stopped").stdout)
        messages = receiver.wait_for("oncall", len(stopped))
        assert {one.json()["data"]["resource"]["id"] for one in messages} == {one["host_id"] for one in stopped}
        assert stopped
    status = json.loads(shell("status", "--json").stdout)[0]
    assert status["cloud_region"] in ("eu-central-1", "eu-west-1", "us-east-1")
    assert shell("outbox").returncode == 0
    checked = shell("doctor")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_table_that_is_not_there_is_a_sentence(shell):
    done = shell("--table", "nobody", "status")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "not_found" in done.stderr
