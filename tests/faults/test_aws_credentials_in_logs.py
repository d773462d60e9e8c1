"""Credentials of a member account do not reach the log, though a person has set it to DEBUG."""

import logging

from nephoscope.app.outside import SystemClock
from nephoscope.app.settings import Settings
from nephoscope.catalog.loader import load_catalog
from nephoscope.clouds.aws.reader import open_reader
from nephoscope.model.config import AwsAccount, Config, Gather, GatherAws, PublishCloudWatch
from nephoscope.model.time import Deadline

ROLE = "arn:aws:iam::222222222222:role/nephoscope-reader"


def test_what_sts_answers_is_in_no_log(fleet_aws, caplog):
    caplog.set_level(logging.DEBUG)
    logging.getLogger("botocore.parsers").setLevel(logging.DEBUG)
    clock = SystemClock()
    gather = GatherAws(("eu-west-1",), (AwsAccount(ROLE, "local-external-id"),))
    config = Config("acme", Gather(60, gather), PublishCloudWatch("eu-west-1", "acme"))
    reader = open_reader(config, Settings(home_region="eu-west-1"), load_catalog(), clock)
    deadline = Deadline(clock.monotonic() + 20, clock.monotonic)
    (scope,) = reader.read_scopes(config, deadline).scopes
    inventory = reader.read_inventory(scope, config, deadline)
    assert inventory.gaps == ()
    assert inventory.resources
    assert fleet_aws.ledger.calls("sts:AssumeRole") == 1
    assert "Starting new HTTP connection" in caplog.text  # the log was really open
    assert "SecretAccessKey" not in caplog.text
    assert "<AssumeRoleResult>" not in caplog.text
