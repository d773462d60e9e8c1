"""Buckets: their names from S3, their tags only where somebody selects by them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nephoscope.catalog.loader import Catalog
from nephoscope.clouds.aws.calls import Calls
from nephoscope.clouds.aws.inventory import parse_time
from nephoscope.clouds.gaps import gap_of
from nephoscope.model.config import Config
from nephoscope.model.errors import ReadError
from nephoscope.model.resource import Kind, Resource
from nephoscope.model.rule import Selector
from nephoscope.model.scope import Scope
from nephoscope.model.series import Gap, Inventory

Tags = Mapping[str, Mapping[str, str]]


def read_buckets(calls: Calls, config: Config, catalog: Catalog) -> Inventory:
    """The buckets that live in the scope's region and that the configuration's tags select, in order of name.

    A bucket whose tags could not be read is left out where tags decide: nobody knows whom it concerns. The kind is not
    complete then.
    """
    where = config.gather.aws.where if config.gather.aws else Selector()
    names, gaps = _read_names(calls, catalog)
    tags: Tags = {}
    if names and selects_by_tags(config):
        tags, more = _read_tags(calls, catalog)
        gaps += more
        names = {name: item for name, item in names.items() if name in tags or not more}
    resources = [parse_bucket(item, calls.scope, tags.get(name, {})) for name, item in sorted(names.items())]
    complete = frozenset() if gaps else frozenset({Kind.BUCKET})
    return Inventory(tuple(resource for resource in resources if where.matches(resource)), tuple(gaps), complete)


def selects_by_tags(config: Config) -> bool:
    """Whether the gathering or any rule on buckets asks for tags."""
    selectors = [rule.where for rule in config.rules if rule.on is Kind.BUCKET]
    if config.gather.aws is not None:
        selectors.append(config.gather.aws.where)
    return any(selector.tags or selector.except_tags for selector in selectors)


def parse_bucket(item: Mapping[str, Any], scope: Scope, tags: Mapping[str, str]) -> Resource:
    """A record of ListBuckets."""
    return Resource(
        scope=scope,
        kind=Kind.BUCKET,
        id=item["Name"],
        name=item["Name"],
        launched_at=parse_time(item.get("CreationDate")),
        tags=tags,
    )


def _read_names(calls: Calls, catalog: Catalog) -> tuple[dict[str, Mapping[str, Any]], list[Gap]]:
    """Name -> record. BucketRegion asks S3 for this region's only; an answer that names another is not ours."""
    names: dict[str, Mapping[str, Any]] = {}
    region = calls.scope.region
    parameters = {"BucketRegion": region, "MaxBuckets": catalog.limit("s3.list_buckets", "page")}
    token = ("ContinuationToken", "ContinuationToken")
    try:
        for page in calls.pages("s3", "ListBuckets", parameters, "Buckets", token):
            for item in page["Buckets"]:
                if item.get("Name") and item.get("BucketRegion", region) == region:
                    names[item["Name"]] = item
    except ReadError as error:
        return names, [gap_of(error, calls.scope, (Kind.BUCKET,))]
    return names, []


def _read_tags(calls: Calls, catalog: Catalog) -> tuple[Tags, list[Gap]]:
    """Name -> tags, of every bucket of the region that has any: 100 an answer, instead of one call a bucket."""
    found: dict[str, Mapping[str, str]] = {}
    parameters = {
        "ResourceTypeFilters": ["s3"],
        "ResourcesPerPage": catalog.limit("resourcegroupstaggingapi.get_resources", "page"),
    }
    token = ("PaginationToken", "PaginationToken")
    try:
        for page in calls.pages(
            "resourcegroupstaggingapi", "GetResources", parameters, "ResourceTagMappingList", token
        ):
            for item in page["ResourceTagMappingList"]:
                name = item.get("ResourceARN", "").rpartition(":::")[2]
                found[name] = {tag["Key"]: tag.get("Value", "") for tag in item.get("Tags", ())}
    except ReadError as error:
        return found, [gap_of(error, calls.scope, (Kind.BUCKET,))]
    return found, []
