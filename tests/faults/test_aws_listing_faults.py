"""What goes wrong while accounts, regions, machines and buckets are listed: each failure is a gap, and hides nothing
else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from aws_reading import ACCOUNT, HOME, SCOPE, config_for, in_seconds, open_quick_reader
from canned_aws import CannedAws, Reply, assumed, ec2_error, ec2_reply, json_error, json_reply, sts_error, sts_reply
from nephoscope.model.config import AwsAccount
from nephoscope.model.errors import DeliveryError, Reason
from nephoscope.model.resource import Kind, State
from nephoscope.model.scope import Cloud, Scope
from nephoscope.model.secret import Secret
from nephoscope.model.series import Inventory

MEMBER = "222222222222"
ROLE = f"arn:aws:iam::{MEMBER}:role/nephoscope-reader"
STATUSES = ec2_reply("DescribeInstanceStatus", "<instanceStatusSet/>")
BOTH = (Kind.INSTANCE, Kind.BUCKET)


def page(*ids: str, token: str = "") -> Reply:
    items = "".join(
        f"<item><instanceId>{i}</instanceId><instanceState><name>running</name></instanceState></item>" for i in ids
    )
    following = f"<nextToken>{token}</nextToken>" if token else ""
    return ec2_reply(
        "DescribeInstances",
        f"<reservationSet><item><instancesSet>{items}</instancesSet></item></reservationSet>{following}",
    )


def buckets(*names: str, token: str = "") -> Reply:
    items = "".join(f"<Bucket><Name>{name}</Name></Bucket>" for name in names)
    following = f"<ContinuationToken>{token}</ContinuationToken>" if token else ""
    text = f"<ListAllMyBucketsResult><Buckets>{items}</Buckets>{following}</ListAllMyBucketsResult>"
    return Reply(text.encode(), content_type="application/xml")


def read(seconds: float = 20.0, **config: object) -> Inventory:
    reader = open_quick_reader(sleep=lambda _: None)
    return reader.read_inventory(SCOPE, config_for(**config), in_seconds(seconds))  # type: ignore[arg-type]


def test_a_failed_second_page_keeps_the_first_and_is_not_complete(aws: CannedAws) -> None:
    aws.answer("DescribeInstances", page("i-1", "i-2", token="more"), ec2_error("InternalError", 500))
    aws.answer("DescribeInstanceStatus", STATUSES)
    found = read()
    assert [each.id for each in found.resources] == ["i-1", "i-2"]
    (gap,) = found.gaps
    assert (gap.operation, gap.reason, gap.affected) == ("ec2:DescribeInstances", Reason.UNAVAILABLE, ("instance",))
    assert found.complete == frozenset()
    assert found.usage.calls == {"ec2:DescribeInstances": 4, "ec2:DescribeInstanceStatus": 1}


def test_all_pages_are_read(aws: CannedAws) -> None:
    aws.answer("DescribeInstances", page("i-3", token="2"), page("i-1", token="3"), page("i-2"))
    aws.answer("DescribeInstanceStatus", STATUSES)
    found = read()
    assert [each.id for each in found.resources] == ["i-1", "i-2", "i-3"]
    assert found.complete == {Kind.INSTANCE}
    assert [call.parameters.get("NextToken") for call in aws.asked("DescribeInstances")] == [None, "2", "3"]
    assert {call.parameters["MaxResults"] for call in aws.asked("DescribeInstances")} == {"1000"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<DescribeInstancesResponse><reservationSet>",
        b"<html><body>a proxy</body></html>",
        b'{"Reservations": []}',
        b'<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"/>',
    ],
)
def test_what_is_no_listing_is_malformed_and_never_an_empty_fleet(aws: CannedAws, body: bytes) -> None:
    aws.answer("DescribeInstances", Reply(body))
    found = read()
    assert [gap.reason for gap in found.gaps] == [Reason.MALFORMED]
    assert (found.resources, found.complete) == ((), frozenset())


def test_an_empty_fleet_is_complete(aws: CannedAws) -> None:
    aws.answer("DescribeInstances", ec2_reply("DescribeInstances", "<reservationSet/>"))
    found = read()
    assert (found.resources, found.gaps, found.complete) == ((), (), {Kind.INSTANCE})
    assert aws.asked("DescribeInstanceStatus") == []


def test_a_record_without_an_id_costs_only_itself(aws: CannedAws) -> None:
    items = "<item><keyName>k</keyName></item><item><instanceId>i-1</instanceId></item>"
    inner = f"<reservationSet><item><instancesSet>{items}</instancesSet></item></reservationSet>"
    aws.answer("DescribeInstances", ec2_reply("DescribeInstances", inner))
    aws.answer("DescribeInstanceStatus", STATUSES)
    found = read()
    assert [(each.id, each.state) for each in found.resources] == [("i-1", State.UNKNOWN)]
    assert ([gap.reason for gap in found.gaps], found.complete) == ([Reason.MALFORMED], frozenset())


def test_checks_that_cannot_be_read_are_not_there_and_said(aws: CannedAws) -> None:
    aws.answer("DescribeInstances", page("i-1"))
    aws.answer("DescribeInstanceStatus", ec2_error("UnauthorizedOperation", 403))
    found = read()
    assert dict(found.resources[0].observations) == {"state": "running"}
    (gap,) = found.gaps
    assert (gap.operation, gap.reason) == ("ec2:DescribeInstanceStatus", Reason.DENIED)
    assert gap.affected == ("check.system", "check.instance", "check.ebs")
    assert found.complete == {Kind.INSTANCE}  # the listing itself is whole


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("RequestExpired", 400, "Request has expired."),
        (
            "SignatureDoesNotMatch",
            403,
            "Signature not yet current: 20261123T130000Z is still later than 20261123T120500Z",
        ),
        ("RequestTimeTooSkewed", 403, "The difference between the request time and the current time is too large."),
    ],
)
def test_a_clock_that_is_wrong_is_a_denial_in_awss_words_and_hides_nothing_else(
    aws: CannedAws, code: str, status: int, said: str
) -> None:
    """Each service has its own code for a signature whose time is off by more than some minutes."""
    aws.answer("DescribeInstances", ec2_error(code, status, said))
    aws.answer("ListBuckets", buckets("one"))
    found = read(resources=BOTH)
    assert [(gap.reason, gap.detail) for gap in found.gaps] == [(Reason.DENIED, f"{code}: {said}")]
    assert (found.complete, [each.id for each in found.resources]) == ({Kind.BUCKET}, ["one"])
    assert len(aws.asked("DescribeInstances")) == 1, "asking again does not set a clock right"


def test_one_kind_that_is_denied_does_not_hide_the_other(aws: CannedAws) -> None:
    aws.answer("DescribeInstances", ec2_error("UnauthorizedOperation", 403))
    aws.answer("ListBuckets", buckets("one", token="t"), buckets("two"))
    found = read(resources=BOTH)
    assert [each.id for each in found.resources] == ["one", "two"]
    assert found.complete == {Kind.BUCKET}
    assert [(gap.operation, gap.affected) for gap in found.gaps] == [("ec2:DescribeInstances", ("instance",))]


def test_a_failed_page_of_buckets_keeps_what_was_read(aws: CannedAws) -> None:
    error = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
    aws.answer("ListBuckets", buckets("one", token="t"), Reply(error, 503, "application/xml"))
    found = read(resources=(Kind.BUCKET,))
    assert ([each.id for each in found.resources], found.complete) == (["one"], frozenset())
    assert [(gap.operation, gap.reason, gap.affected) for gap in found.gaps] == [
        ("s3:ListAllMyBuckets", Reason.THROTTLED, ("bucket",))
    ]


def tagged(**tags: str) -> Reply:
    rows = [
        {"ResourceARN": f"arn:aws:s3:::{name}", "Tags": [{"Key": "env", "Value": value}]}
        for name, value in tags.items()
    ]
    return json_reply({"ResourceTagMappingList": rows, "PaginationToken": ""})


def test_tags_of_buckets_are_read_only_where_they_decide(aws: CannedAws) -> None:
    aws.answer("ListBuckets", buckets("one", "two", "three"))
    aws.answer("GetResources", tagged(one="prod", two="dev"))
    assert len(read(resources=(Kind.BUCKET,)).resources) == 3
    assert aws.asked("GetResources") == []
    chosen = read(resources=(Kind.BUCKET,), tags={"env": ("prod",)})
    assert [(each.id, dict(each.tags)) for each in chosen.resources] == [("one", {"env": "prod"})]
    spared = read(resources=(Kind.BUCKET,), except_tags={"env": ("dev",)})
    assert [each.id for each in spared.resources] == ["one", "three"]
    assert spared.complete == {Kind.BUCKET}


def test_a_bucket_whose_tags_are_unknown_is_left_out_and_the_kind_is_not_complete(aws: CannedAws) -> None:
    aws.answer("ListBuckets", buckets("one", "two"))
    aws.answer("GetResources", json_error("AccessDeniedException"))
    found = read(resources=(Kind.BUCKET,), except_tags={"env": ("dev",)})
    assert (found.resources, found.complete) == ((), frozenset())
    assert [(gap.operation, gap.reason) for gap in found.gaps] == [("tag:GetResources", Reason.DENIED)]


def test_without_time_nothing_is_called(aws: CannedAws) -> None:
    found = read(seconds=0.0, resources=BOTH)
    assert {gap.reason for gap in found.gaps} == {Reason.DEADLINE}
    assert (aws.requests, found.complete) == ([], frozenset())


# --- accounts and regions ----------------------------------------------------------------------------------------

IDENTITY = sts_reply("GetCallerIdentity", f"<Account>{ACCOUNT}</Account>")
TWO = (AwsAccount(), AwsAccount(ROLE, "${ssm:/acme/external-id}"))


class OneSecret:
    """Knows one reference."""

    def read_secret(self, reference: str) -> Secret:
        if reference != "${ssm:/acme/external-id}":
            raise DeliveryError(destination=reference, reason=Reason.SECRET_MISSING)
        return Secret("open sesame")


def regions(*names: str) -> Reply:
    items = "".join(
        f"<item><regionName>{name}</regionName><optInStatus>opted-in</optInStatus></item>" for name in names
    )
    return ec2_reply("DescribeRegions", f"<regionInfo>{items}</regionInfo>")


def test_accounts_by_regions_and_the_external_id_goes_along(aws: CannedAws) -> None:
    aws.answer("GetCallerIdentity", IDENTITY)
    aws.answer("AssumeRole", assumed())
    reader = open_quick_reader(secrets=OneSecret())
    found = reader.read_scopes(config_for(regions=("us-east-1", HOME), accounts=TWO), in_seconds())
    assert found.gaps == ()
    assert found.scopes == tuple(
        Scope(Cloud.AWS, account, region) for account in (ACCOUNT, MEMBER) for region in (HOME, "us-east-1")
    )
    (asked,) = aws.asked("AssumeRole")
    assert asked.parameters["ExternalId"] == "open sesame"
    assert asked.parameters["DurationSeconds"] == "3600"
    assert asked.region == HOME


def test_all_regions_are_those_opted_into_asked_as_the_member(aws: CannedAws) -> None:
    aws.answer("AssumeRole", assumed())
    aws.answer("DescribeRegions", regions("us-east-1", "af-south-1"))
    reader = open_quick_reader()
    config = config_for(regions=("all",), accounts=(AwsAccount(ROLE),))
    for _ in range(2):
        found = reader.read_scopes(config, in_seconds())
        assert [scope.region for scope in found.scopes] == ["af-south-1", "us-east-1"]
    (asked,) = aws.asked("DescribeRegions")  # the second time it is remembered
    assert "ASIAASSUMED" in asked.headers["authorization"]
    assert "AllRegions" not in asked.parameters


def test_an_account_that_cannot_be_entered_keeps_its_scopes_and_is_tried_once(aws: CannedAws) -> None:
    aws.answer("GetCallerIdentity", IDENTITY)
    aws.answer("AssumeRole", sts_error("AccessDenied"))
    reader = open_quick_reader(secrets=OneSecret())
    config = config_for(accounts=TWO)
    found = reader.read_scopes(config, in_seconds())
    assert found.scopes == (SCOPE, Scope(Cloud.AWS, MEMBER, HOME))
    (gap,) = found.gaps
    assert (gap.scope.account, gap.operation, gap.reason) == (MEMBER, "sts:AssumeRole", Reason.DENIED)
    blind = reader.read_inventory(Scope(Cloud.AWS, MEMBER, HOME), config, in_seconds())
    assert [(gap.operation, gap.reason) for gap in blind.gaps] == [("sts:AssumeRole", Reason.DENIED)]
    assert (blind.resources, blind.complete) == ((), frozenset())
    assert len(aws.asked("AssumeRole")) == 1
    assert "open sesame" not in f"{found} {blind}"


def test_a_missing_external_id_names_the_reference(aws: CannedAws) -> None:
    accounts = (AwsAccount(ROLE, "${ssm:/acme/wrong}"),)
    for secrets in (OneSecret(), None):
        found = open_quick_reader(secrets=secrets).read_scopes(config_for(accounts=accounts), in_seconds())
        assert [(gap.reason, "${ssm:/acme/wrong}" in gap.detail) for gap in found.gaps] == [
            (Reason.SECRET_MISSING, True)
        ]
        assert found.scopes == (Scope(Cloud.AWS, MEMBER, HOME),)
    assert aws.asked("AssumeRole") == []


@pytest.mark.parametrize("role", ["nephoscope-reader", "arn:aws:iam::12:role/x", "a:b:c:d:e:f"])
def test_a_role_that_is_no_arn_is_said(aws: CannedAws, role: str) -> None:
    found = open_quick_reader().read_scopes(config_for(accounts=(AwsAccount(role),)), in_seconds())
    assert ([gap.reason for gap in found.gaps], found.scopes) == ([Reason.REJECTED], ())


def test_sts_silent_the_deployments_word_for_the_own_account_counts(aws: CannedAws) -> None:
    aws.answer("GetCallerIdentity", sts_error("ServiceUnavailable", 503))
    assert open_quick_reader().read_scopes(config_for(), in_seconds()).scopes == (SCOPE,)
    unknown = open_quick_reader(account="").read_scopes(config_for(), in_seconds())
    assert unknown.scopes == ()
    assert [(gap.operation, gap.reason) for gap in unknown.gaps] == [("sts:GetCallerIdentity", Reason.UNAVAILABLE)]


def test_regions_that_cannot_be_listed_are_a_gap(aws: CannedAws) -> None:
    aws.answer("GetCallerIdentity", IDENTITY)
    aws.answer("DescribeRegions", ec2_error("UnauthorizedOperation", 403))
    found = open_quick_reader().read_scopes(config_for(regions=("all",)), in_seconds())
    assert found.scopes == ()
    assert [(gap.operation, gap.reason) for gap in found.gaps] == [("ec2:DescribeRegions", Reason.DENIED)]


def test_a_clients_credentials_that_run_out_are_renewed(aws: CannedAws) -> None:
    expired = b"2001-01-01T00:00:00Z"
    soon = Reply(assumed().body.replace(assumed().body.split(b"<Expiration>")[1][:20], expired))
    aws.answer("AssumeRole", soon, assumed(key="ASIARENEWED"))
    aws.answer("DescribeInstances", page("i-1"))
    aws.answer("DescribeInstanceStatus", STATUSES)
    config = config_for(accounts=(AwsAccount(ROLE),))
    found = open_quick_reader().read_inventory(Scope(Cloud.AWS, MEMBER, HOME), config, in_seconds())
    assert found.gaps == ()
    assert "ASIARENEWED" in aws.asked("DescribeInstances")[0].headers["authorization"]


def test_credentials_that_cannot_be_renewed_are_the_accounts_gap(aws: CannedAws) -> None:
    body = assumed().body
    expired = Reply(body.replace(body.split(b"<Expiration>")[1][:20], b"2001-01-01T00:00:00Z"))
    aws.answer("AssumeRole", expired, sts_error("AccessDenied"))
    config = config_for(accounts=(AwsAccount(ROLE),))
    found = open_quick_reader().read_inventory(Scope(Cloud.AWS, MEMBER, HOME), config, in_seconds())
    assert [(gap.operation, gap.reason) for gap in found.gaps] == [("sts:AssumeRole", Reason.DENIED)]


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [("AWS_ENDPOINT_URL", "not an address", "not an address"), ("AWS_PROFILE", "nobody", "nobody")],
)
def test_an_environment_that_makes_no_sense_is_a_gap_that_says_so(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)
    found = read(resources=BOTH)
    assert found.gaps
    assert all(gap.reason is Reason.REJECTED and said in gap.detail for gap in found.gaps)
    scopes = open_quick_reader(account="").read_scopes(config_for(), in_seconds())
    assert [(gap.reason, said in gap.detail) for gap in scopes.gaps] == [(Reason.REJECTED, True)]


def test_a_member_is_not_entered_when_time_is_up(aws: CannedAws) -> None:
    config = config_for(accounts=(AwsAccount(ROLE),))
    found = open_quick_reader().read_inventory(Scope(Cloud.AWS, MEMBER, HOME), config, in_seconds(0))
    assert [gap.reason for gap in found.gaps] == [Reason.DEADLINE]
    assert aws.requests == []


def test_many_threads_enter_an_account_once(aws: CannedAws) -> None:
    aws.answer("AssumeRole", Reply(assumed().body, delay=0.1))
    aws.answer("DescribeInstances", page("i-1"))
    aws.answer("DescribeInstanceStatus", STATUSES)
    reader, config = open_quick_reader(), config_for(accounts=(AwsAccount(ROLE),))
    scopes = [Scope(Cloud.AWS, MEMBER, region) for region in ("eu-central-1", "us-east-1", "eu-west-1", "eu-west-2")]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda scope: reader.read_inventory(scope, config, in_seconds()), scopes * 2))
    assert all(len(each.resources) == 1 and not each.gaps for each in found)
    assert len(aws.asked("AssumeRole")) == 1
    assert {call.region for call in aws.asked("DescribeInstances")} == {scope.region for scope in scopes}
