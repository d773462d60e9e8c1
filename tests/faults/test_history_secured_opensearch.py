"""OpenSearch with its own security plugin: TLS under an own CA, users and roles as its documentation names them."""

from __future__ import annotations

import base64
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

sys.path.insert(0, str(Path(__file__).parents[1]))  # for what several rooms of the tests use

from history_world import MIDNIGHT, points, seconds
from nephoscope.localcloud.elastic.distribution import OPENSEARCH_SECURED
from nephoscope.localcloud.elastic.server import ElasticServer
from nephoscope.model.config import PublishElasticsearch
from nephoscope.model.errors import DeliveryError
from nephoscope.sinks.elasticsearch.inspection import inspect
from secured_history import (
    WORDS,
    Entering,
    Secured,
    asks_as_the_clerk,
    entrances,
    keeps_with_few_rights,
    reading,
    running,
    why,
)

ROUNDS, BYTES = 1_000, 32
USERS = {"boss": "admin", "keeper": "keeping", "clerk": "reading", "stranger": "nothing"}
"""Users and their role; that of the last may nothing."""
ROLES = """\
_meta: {type: roles, config_version: 2}
keeping:
  cluster_permissions: [cluster_monitor, cluster_manage_index_templates, "indices:data/write/bulk"]
  index_permissions:
    - index_patterns: ["nephoscope-*"]
      allowed_actions: [create_index, index, "indices:admin/mappings/get", "indices:admin/delete"]
reading:
  cluster_permissions: [cluster_monitor, cluster_composite_ops_ro]
  index_permissions:
    - index_patterns: ["nephoscope-*"]
      allowed_actions: [read]
"""
MAPPING = """\
_meta: {type: rolesmapping, config_version: 2}
all_access: {backend_roles: [admin]}
keeping: {backend_roles: [keeping]}
reading: {backend_roles: [reading]}
"""


def hashed(password: str) -> str:
    """As the plugin's PBKDF2 writes it: $3$, rounds and bits in one number, salt, hash."""
    salt = b"0123456789abcdef"
    digest = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ROUNDS, BYTES)
    return f"$3${(ROUNDS << 32) | 8 * BYTES}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def users() -> str:
    said = ["_meta: {type: internalusers, config_version: 2}"]
    for name, role in USERS.items():
        password = WORDS.get(name.upper(), WORDS["CLERK"])
        said.append(f'{name}: {{hash: "{hashed(password)}", backend_roles: [{role}]}}')
    return "\n".join([*said, ""])


@pytest.fixture(scope="module")
def secured() -> Iterator[Secured]:
    authority = trustme.CA()
    own = authority.issue_cert("127.0.0.1", "localhost")
    key = serialization.load_pem_private_key(own.private_key_pem.bytes(), None).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )  # the one form that the plugin reads
    layers = {
        f"plugins.security.ssl.{layer}.{name}_filepath": file
        for layer in ("http", "transport")
        for name, file in (("pemkey", "own.key"), ("pemcert", "own.pem"), ("pemtrustedcas", "ca.pem"))
    }
    hashing = "plugins.security.password.hashing"
    server = ElasticServer(
        OPENSEARCH_SECURED,
        settings={
            **layers,
            "plugins.security.ssl.http.enabled": "true",
            "plugins.security.allow_default_init_securityindex": "true",
            "plugins.security.audit.type": "noop",
            f"{hashing}.algorithm": "PBKDF2",
            f"{hashing}.pbkdf2.function": "SHA256",
            f"{hashing}.pbkdf2.iterations": ROUNDS,
            f"{hashing}.pbkdf2.length": 8 * BYTES,
        },
        files={
            "own.key": key,
            "own.pem": b"".join(each.bytes() for each in own.cert_chain_pems),
            "ca.pem": authority.cert_pem.bytes(),
            "opensearch-security/internal_users.yml": users().encode(),
            "opensearch-security/roles.yml": ROLES.encode(),
            "opensearch-security/roles_mapping.yml": MAPPING.encode(),
        },
    )
    with running(server, authority.cert_pem.bytes().decode()) as found:
        yield found


@pytest.fixture
def entering(secured: Secured) -> Iterator[Entering]:
    with entrances(secured) as found:
        yield found


def test_a_role_of_few_rights_is_enough(entering: Entering) -> None:
    """The rights that the documentation names."""
    keeps_with_few_rights(entering)


def test_a_role_that_reads_is_enough_to_ask(entering: Entering) -> None:
    """Of documents a scroll is left open that OpenSearch's own role of readers may not end; nothing is said of it."""
    asks_as_the_clerk(entering)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            {"user": "keeper", "password": "${env:WRONG}"},
            "denied (GET /: the user keeper is not known there, or not by this password)",
        ),
        ({}, "denied (GET /: it wants to know who asks: write api_key, or user and password)"),
        (
            {"api_key": "${env:KEY}"},
            "denied (GET /: its API key is not known there; OpenSearch knows none: write user and password)",
        ),
    ],
)
def test_who_is_not_known_is_told_so(entering: Entering, more: dict[str, str], said: str) -> None:
    assert why(entering(**more)) == said


def test_what_is_not_granted_is_named(entering: Entering) -> None:
    reader = entering(user="clerk", password="${env:CLERK}")
    assert why(reader).startswith(
        "denied (GET /_index_template/nephoscope-*: no permissions for [indices:admin/index_template/get] and User "
        "[name=clerk,"
    )
    taken = reader.write_documents(points(1, 2), seconds(10))
    assert (taken.owed, taken.requests) == ({"cpu": 2}, 1), "asked once: it stays denied"
    assert "denied" in taken.problem and "[indices:data/write/bulk]" in taken.problem
    with pytest.raises(DeliveryError, match=r"no permissions for \[indices:data/read/search\]"):
        reading(entering(user="keeper", password="${env:KEEPER}")).read_metrics("acme", seconds(10))


def test_doctor_finds_out_what_it_can(entering: Entering, secured: Secured) -> None:
    """OpenSearch does not tell what a user may; what it refuses to show is told in its words."""
    known = {"user": "keeper", "password": "${env:KEEPER}"}
    found = inspect(entering(**known).client, PublishElasticsearch(url="", **known), MIDNIGHT, seconds(10))
    assert (str(found.server), found.lacking) == ("OpenSearch 2.19.4", None)
    stranger = {"user": "stranger", "password": "${env:CLERK}"}
    with pytest.raises(DeliveryError, match=r"no permissions for \[indices:admin/index_template/get\]"):
        inspect(entering(**stranger).client, PublishElasticsearch(url="", **stranger), MIDNIGHT, seconds(10))


def test_a_server_that_does_not_tell_its_name_is_one_of_both(entering: Entering) -> None:
    assert str(entering(user="stranger", password="${env:CLERK}").client.server(seconds(10))) == (
        "Elasticsearch or OpenSearch"
    )


def test_a_certificate_of_a_ca_that_is_not_ours(entering: Entering) -> None:
    stranger = trustme.CA().cert_pem.bytes().decode()
    said = "unavailable (its certificate is not trusted; ca: names the file of its CA)"
    assert why(entering(ca=stranger, user="keeper", password="${env:KEEPER}")) == said
