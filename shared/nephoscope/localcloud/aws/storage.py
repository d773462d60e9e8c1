"""The fleet's buckets: S3's listing, and what the tagging API says of them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from nephoscope.localcloud.aws.call import Answer, AwsError, Call
from nephoscope.localcloud.aws.protocol import render_answer, xml_answer
from nephoscope.localcloud.aws.world import World
from nephoscope.localcloud.fleet import Power
from nephoscope.localcloud.machines import Bucket
from nephoscope.model.time import iso

_XMLNS = "http://s3.amazonaws.com/doc/2006-03-01/"
BUCKETS = 10_000


def list_buckets(world: World, call: Call) -> Answer:
    """By name, of all regions or of one. Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html"""
    asked = {key: values[0] for key, values in parse_qs(call.request.query).items()}
    prefix, region = asked.get("prefix", ""), asked.get("bucket-region", "")
    found = sorted(
        (
            bucket
            for bucket in world.fleet.buckets
            if bucket.account == call.account and bucket.name.startswith(prefix) and region in ("", bucket.region)
        ),
        key=lambda bucket: bucket.name,
    )
    size, start = int(asked.get("max-buckets", BUCKETS)), int(asked.get("continuation-token", 0))
    items = "".join(_listed(bucket) for bucket in found[start : start + size])
    token = f"<ContinuationToken>{start + size}</ContinuationToken>" if start + size < len(found) else ""
    owner = f"<Owner><ID>{call.account}</ID></Owner>"
    return xml_answer(
        f'<?xml version="1.0" encoding="UTF-8"?>\n<ListAllMyBucketsResult xmlns="{_XMLNS}">{owner}'
        f"<Buckets>{items}</Buckets>{token}</ListAllMyBucketsResult>"
    )


def _listed(bucket: Bucket) -> str:
    return (
        f"<Bucket><Name>{bucket.name}</Name><CreationDate>{iso(bucket.created_at).replace('Z', '.000Z')}</CreationDate>"
        f"<BucketRegion>{bucket.region}</BucketRegion><BucketArn>arn:aws:s3:::{bucket.name}</BucketArn></Bucket>"
    )


def owned(world: World, call: Call) -> Bucket | None:
    """The fleet's bucket that a call names; None for any other."""
    name = call.params.get("Bucket")
    return next((row for row in world.fleet.buckets if (row.name, row.account) == (name, call.account)), None)


def get_bucket_location(world: World, call: Call) -> Answer:
    bucket = _must_own(world, call)
    region = "" if bucket.region == "us-east-1" else bucket.region
    return xml_answer(f'<LocationConstraint xmlns="{_XMLNS}">{region}</LocationConstraint>')


def get_bucket_tagging(world: World, call: Call) -> Answer:
    bucket = _must_own(world, call)
    if not bucket.tags:
        raise AwsError("NoSuchTagSet", "The TagSet does not exist", 404)
    tags = "".join(
        f"<Tag><Key>{escape(name)}</Key><Value>{escape(value)}</Value></Tag>" for name, value in bucket.tags.items()
    )
    return xml_answer(f'<Tagging xmlns="{_XMLNS}"><TagSet>{tags}</TagSet></Tagging>')


def head_bucket(world: World, call: Call) -> Answer:
    bucket = _must_own(world, call)
    return Answer(200, {"x-amz-bucket-region": bucket.region, "x-amz-request-id": str(uuid.uuid4())}, b"")


def _must_own(world: World, call: Call) -> Bucket:
    bucket = owned(world, call)
    if bucket is None:
        raise AwsError("NoSuchBucket", "The specified bucket does not exist", 404)
    return bucket


# --- tags --------------------------------------------------------------------------------------------------------


def get_resources(world: World, call: Call) -> Answer:
    """Tagged buckets and machines of the caller's region; what has no tag is not listed.
    Source: https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html"""
    kinds = call.params.get("ResourceTypeFilters") or ["s3", "ec2:instance"]
    filters: Sequence[Mapping[str, Any]] = call.params.get("TagFilters", [])
    found = [
        {"ResourceARN": arn, "Tags": [{"Key": name, "Value": value} for name, value in tags.items()]}
        for kind, arn, tags in _tagged(world, call)
        if any(kind == wanted or kind.split(":")[0] == wanted for wanted in kinds) and _wears(tags, filters)
    ]
    size, start = int(call.params.get("ResourcesPerPage", 100)), int(call.params.get("PaginationToken") or 0)
    if not 1 <= size <= 100:
        raise AwsError("InvalidParameterException", "ResourcesPerPage must be between 1 and 100")
    token = str(start + size) if start + size < len(found) else ""
    return render_answer(call, {"ResourceTagMappingList": found[start : start + size], "PaginationToken": token})


def _tagged(world: World, call: Call) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    for bucket in world.fleet.buckets:
        if (bucket.account, bucket.region) == (call.account, call.region) and bucket.tags:
            yield "s3:bucket", f"arn:aws:s3:::{bucket.name}", bucket.tags
    for instance in world.fleet.members(call.account, call.region):
        if instance.tags and world.fleet.power(instance, world.now) not in (None, Power.TERMINATED):
            yield "ec2:instance", f"arn:aws:ec2:{call.region}:{call.account}:instance/{instance.id}", instance.tags


def _wears(tags: Mapping[str, str], filters: Sequence[Mapping[str, Any]]) -> bool:
    return all(row["Key"] in tags and (not row.get("Values") or tags[row["Key"]] in row["Values"]) for row in filters)
