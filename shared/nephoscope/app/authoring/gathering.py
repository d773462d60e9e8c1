"""The meaning of `gather`: how often, and what of AWS. The other clouds are in gathering_gcp.py and gathering_azure.py,
which take from here what is the same on each."""

from __future__ import annotations

from collections.abc import Mapping

from nephoscope.app.authoring.document import Items, Keys
from nephoscope.app.authoring.findings import Findings
from nephoscope.app.authoring.reading import flag_of, items_of, keys_of, text_of, texts_of
from nephoscope.app.authoring.references import check_reference, check_role
from nephoscope.app.authoring.regions import check_region
from nephoscope.app.authoring.values import check_text, duration_of, no_doubles, value_of
from nephoscope.model.config import AwsAccount, GatherAws
from nephoscope.model.resource import Kind
from nephoscope.model.rule import Selector
from nephoscope.model.time import DAY, HOUR

ALL = "all"
OWN = "own"


def read_gather(keys: Keys, findings: Findings) -> tuple[int, int, int]:
    """(every, blind_after, grace) in seconds."""
    every = duration_of(keys, "every", 60, findings, most=HOUR)
    return (
        every,
        duration_of(keys, "blind_after", 300, findings, most=DAY),
        duration_of(keys, "grace", 600, findings, most=DAY),
    )


def read_aws(keys: Keys, environment: Mapping[str, str], findings: Findings) -> GatherAws:
    """Regions left out: the one that the build's environment names, as the vendor's own tools do it."""
    return GatherAws(
        regions=_regions(keys, environment, findings),
        accounts=_accounts(items_of(keys, "accounts"), findings),
        resources=read_resources(keys, "gather.aws", findings),
        where=read_selector(keys, findings),
    )


def _regions(keys: Keys, environment: Mapping[str, str], findings: Findings) -> tuple[str, ...]:
    texts = texts_of(keys, "regions")
    if texts is None:
        home = environment_region(environment)
        if not home and not keys.wrote("regions"):
            findings.problem(keys.place, "gather.aws: no region; write regions: [eu-west-1], or all, or set AWS_REGION")
        return (home,) if home else ()
    node = keys.get("regions")
    if isinstance(node, Items) and not node.nodes:
        findings.problem(node.place, "gather.aws.regions: no region: nothing would be watched; name one, or write all")
    if len(texts) > 1 and (word := next((text for text in texts if text.value == ALL), None)):
        findings.problem(word.place, "gather.aws.regions: all stands alone: regions: all")
        return (ALL,)
    no_doubles(texts, "region", findings)
    return tuple(dict.fromkeys(t.value for t in texts if t.value == ALL or check_region(t, findings)))


def environment_region(environment: Mapping[str, str]) -> str:
    return environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or ""


def _accounts(items: Items | None, findings: Findings) -> tuple[AwsAccount, ...]:
    if items is None:
        return (AwsAccount(),)
    if not items.nodes:
        findings.problem(items.place, "gather.aws.accounts: no account; leave the key out for the one it runs in")
    accounts: dict[str, AwsAccount] = {}
    for node in items.nodes:
        account = _account(node, findings) if isinstance(node, Keys) else AwsAccount()
        if account is None:
            continue
        if account.id in accounts:
            findings.problem(node.place, f"gather.aws.accounts: the account {account.id or OWN} stands twice")
        accounts[account.id] = account
    return tuple(accounts.values())


def _account(keys: Keys, findings: Findings) -> AwsAccount | None:
    role, external_id = text_of(keys, "role"), text_of(keys, "external_id")
    check_text(external_id, "external_id", lambda t: check_reference(t, ("env", "secretsmanager", "ssm")), findings)
    if role is None or not check_text(role, "role", check_role, findings):
        return None
    return AwsAccount(role.value, value_of(external_id), flag_of(keys, "linked"))


def read_resources(keys: Keys, where: str, findings: Findings) -> tuple[Kind, ...]:
    """The kinds that are watched of a cloud; where: its section, for messages."""
    texts = texts_of(keys, "resources")
    if texts is None:
        return (Kind.INSTANCE,)
    node = keys.get("resources")
    if isinstance(node, Items) and not node.nodes:
        findings.problem(node.place, f"{where}.resources: nothing would be watched; name instance or bucket")
    no_doubles(texts, "kind", findings)
    return tuple(dict.fromkeys(Kind(text.value) for text in texts))


def read_selector(keys: Keys, findings: Findings) -> Selector:
    """`where` and `except` of a rule or of what is gathered."""
    return Selector(tags_of(keys_of(keys, "where"), findings), tags_of(keys_of(keys, "except"), findings))


def tags_of(section: Keys | None, findings: Findings) -> dict[str, tuple[str, ...]]:
    """What stands under `tags`, one value or a list for each."""
    tags: dict[str, tuple[str, ...]] = {}
    wanted = keys_of(section, "tags")
    for key, node in wanted.entries if wanted else ():
        values = texts_of(wanted, key.value) or ()
        if isinstance(node, Items) and not node.nodes:
            findings.problem(node.place, f"tags.{key.value}: an empty list matches nothing; write * for any value")
        tags[key.value] = tuple(text.value for text in values)
    return tags
