"""The fleet's buckets as S3 lists them, and their tags."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from nephoscope.localcloud.aws.local import LocalAws
from nephoscope.localcloud.fleet import simulate

NOON = 1_795_435_200
HOME = "111111111111"


@pytest.fixture
def aws(fleet_aws: LocalAws) -> LocalAws:
    """Fourteen buckets in two regions of one account."""
    fleet_aws.reset(simulate(4, 1200, ("eu-central-1", "us-east-1"), start=NOON, script=()))
    assert len(fleet_aws.fleet.buckets) == 14
    return fleet_aws


def test_buckets_are_listed_by_page_with_their_region(aws: LocalAws) -> None:
    s3 = aws.client("s3")
    pages = list(s3.get_paginator("list_buckets").paginate(PaginationConfig={"PageSize": 6}))
    assert [len(page["Buckets"]) for page in pages] == [6, 6, 2]
    regions = {row["Name"]: row["BucketRegion"] for page in pages for row in page["Buckets"]}
    assert regions == {bucket.name: bucket.region for bucket in aws.fleet.buckets}


def test_buckets_of_one_region_or_prefix(aws: LocalAws) -> None:
    s3 = aws.client("s3")
    names = {row["Name"] for row in s3.list_buckets(BucketRegion="us-east-1")["Buckets"]}
    assert names == {bucket.name for bucket in aws.fleet.buckets if bucket.region == "us-east-1"}
    assert all(row["Name"].startswith("data-") for row in s3.list_buckets(Prefix="data-")["Buckets"])


def test_where_a_bucket_lies_and_what_it_wears(aws: LocalAws) -> None:
    s3 = aws.client("s3")
    for bucket in aws.fleet.buckets:
        place = s3.get_bucket_location(Bucket=bucket.name)["LocationConstraint"]
        assert (place or "us-east-1") == bucket.region
        if bucket.tags:
            tags = {row["Key"]: row["Value"] for row in s3.get_bucket_tagging(Bucket=bucket.name)["TagSet"]}
            assert tags == bucket.tags
        else:
            with pytest.raises(ClientError, match="NoSuchTagSet"):
                s3.get_bucket_tagging(Bucket=bucket.name)
    assert {bool(bucket.tags) for bucket in aws.fleet.buckets} == {True, False}


def test_the_tagging_api_lists_what_has_tags_in_its_region(aws: LocalAws) -> None:
    tagging = aws.client("resourcegroupstaggingapi", "us-east-1")
    rows = tagging.get_resources(ResourceTypeFilters=["s3"])["ResourceTagMappingList"]
    tagged = [row for row in aws.fleet.buckets if row.region == "us-east-1" and row.tags]
    wanted = {f"arn:aws:s3:::{row.name}": row.tags for row in tagged}
    assert {row["ResourceARN"]: {tag["Key"]: tag["Value"] for tag in row["Tags"]} for row in rows} == wanted
    only = tagging.get_resources(ResourceTypeFilters=["s3"], TagFilters=[{"Key": "env", "Values": ["prod"]}])
    assert {row["ResourceARN"] for row in only["ResourceTagMappingList"]} == {
        arn for arn, tags in wanted.items() if tags["env"] == "prod"
    }


def test_the_tagging_api_pages_by_a_hundred(aws: LocalAws) -> None:
    tagging = aws.client("resourcegroupstaggingapi", "us-east-1")
    pages = list(tagging.get_paginator("get_resources").paginate(ResourceTypeFilters=["ec2:instance"]))
    assert {len(page["ResourceTagMappingList"]) for page in pages[:-1]} == {100}
    assert len(pages) >= 5
