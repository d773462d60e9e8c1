"""`publish.elasticsearch`: what a person gets wrong and exactly what is said of it; no answer repeats a secret."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme

from nephoscope.app.authoring.compile import compile_file
from nephoscope.model.config import PublishElasticsearch
from nephoscope.model.errors import ConfigError

ONE_CLOUD = "gather: {aws: {regions: [eu-west-1]}}"
TWO_CLOUDS = "gather: {aws: {regions: [eu-west-1]}, gcp: {projects: [acme-web]}}"
URL = "url: 'https://h:9200'"
CATALOG = "(nephoscope metrics --catalog lists them)"
EXPECTED = "expected https://HOST:PORT, or a reference such as ${ssm:/nephoscope/elasticsearch}"


def read(keys: str, folder: Path, gather: str = ONE_CLOUD) -> PublishElasticsearch:
    path = folder / "nephoscope.yaml"
    path.write_text(f"fleet: acme\n{gather}\npublish: {{elasticsearch: {{{keys}}}}}\n", encoding="utf-8")
    found = compile_file(path, environment={}).config.history
    assert found is not None
    return found


def problems_of(keys: str, folder: Path, gather: str = ONE_CLOUD) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(keys, folder, gather)
    return [str(problem).removeprefix(f"{folder}/nephoscope.yaml:") for problem in caught.value.problems]


ADDRESSES = [
    (
        "https://elastic:CANARY@h:9200",
        "the address of h holds a user or a password; write user: and password: instead",
    ),
    (
        "http://es.example:9200",
        "http to es.example would send keys and data in the clear; use https, and ca: for an own CA",
    ),
    ("http://127.0.0.2", "http to 127.0.0.2 would send keys and data in the clear; use https, and ca: for an own CA"),
    ("h:9200", EXPECTED),
    ("ftp://h", EXPECTED),
    ("https://", EXPECTED),
    ("https:// h", EXPECTED),
    ("https://h:99999", "this is not a well-formed URL"),
    ("https://h:0", "this is not a well-formed URL"),
    ("https://[::1", "this is not a well-formed URL"),
    ("https://h/?key=CANARY", "the address of h ends with its port or path; no ? and no #"),
    ("https://h/#CANARY", "the address of h ends with its port or path; no ? and no #"),
    ("${smm:/es}", 'unknown reference "smm"; did you mean ssm?'),
]


@pytest.mark.parametrize(("url", "said"), ADDRESSES)
def test_address(url: str, said: str, tmp_path: Path) -> None:
    problems = problems_of(f"url: '{url}'", tmp_path)
    assert problems == [f"3:32: url: {said}"]
    assert "CANARY" not in str(problems)


@pytest.mark.parametrize(
    "url", ["http://localhost:9200", "http://[::1]:9200", "https://es.example/search", "${ssm:/es}"]
)
def test_addresses_that_are_well(url: str, tmp_path: Path) -> None:
    assert read(f"url: '{url}'", tmp_path).url == url


KEYS = [
    ("api_key: '${env:K}', user: me", "50: elasticsearch: api_key, or user and password; not both"),
    ("user: me", "50: elasticsearch: user and password belong together"),
    ("password: '${env:P}'", "50: elasticsearch: user and password belong together"),
    ("api_key: CANARY", "59: api_key: expected a reference such as ${stack:NAME}, not the value itself"),
    ("user: me, password: CANARY", "70: password: expected a reference such as ${stack:NAME}, not the value itself"),
    ("keep: 12 h", "56: keep: 12 h is not whole days; history is deleted a day at a time"),
    ("keep: 36 h", "56: keep: 36 h is not whole days; history is deleted a day at a time"),
    ("keep: 0 d", "56: keep: 0 d is not whole days; history is deleted a day at a time"),
    ("keep: soon", '56: keep: expected a duration such as 10 min, found "soon", or forever'),
    (
        "index: Acme",
        '57: index: "Acme" may have small letters, digits and - _ . only, and begins with a letter or digit',
    ),
    ("index: -x", '57: index: "-x" may have small letters, digits and - _ . only, and begins with a letter or digit'),
    ("index: 'a*'", '57: index: "a*" may have small letters, digits and - _ . only, and begins with a letter or digit'),
    (
        "metrics: [cpu.utilisation]",
        f'60: metrics: unknown metric "cpu.utilisation"; did you mean cpu.utilization? {CATALOG}',
    ),
    ("metrics: [cpu.utilization, cpu.utilization]", '77: the metric "cpu.utilization" stands twice'),
    ("tags: [env, env]", '62: the tag "env" stands twice'),
    ("tags: [env, Env]", "62: tags: env and Env would both be labels.env"),
    ("tags: [a.b, a_b]", "62: tags: a.b and a_b would both be labels.a_b"),
    ("shards: 0", '58: shards: "0" is no number from 1 to 100'),
    ("shards: two", '58: shards: "two" is no number from 1 to 100'),
    ("replicas: -1", '60: replicas: "-1" is no number from 0 to 100'),
    ("urll: x", '50: publish.elasticsearch: unknown key "urll"; did you mean url?'),
]


@pytest.mark.parametrize(("keys", "said"), KEYS)
def test_key(keys: str, said: str, tmp_path: Path) -> None:
    problems = problems_of(f"{URL}, {keys}", tmp_path)
    assert problems == [f"3:{said}"]
    assert "CANARY" not in str(problems)


FILES = {
    "none.pem": (None, "none.pem cannot be read: No such file or directory"),
    "words.pem": (b"hello", "words.pem is no PEM file of certificates: it has no -----BEGIN CERTIFICATE-----"),
    "empty.pem": (b"", "empty.pem is no PEM file of certificates: it has no -----BEGIN CERTIFICATE-----"),
    "other.pem": (b"\xff\xfe", "other.pem is no PEM file of certificates: it has no -----BEGIN CERTIFICATE-----"),
    "key.pem": (
        b"-----BEGIN PRIVATE KEY-----\nCANARY\n-----END PRIVATE KEY-----\n",
        "key.pem is no PEM file of certificates: it has no -----BEGIN CERTIFICATE-----",
    ),
    "cut.pem": (
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "cut.pem has a certificate that cannot be read",
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_authority(name: str, tmp_path: Path) -> None:
    content, said = FILES[name]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert problems_of(f"{URL}, ca: {name}", tmp_path) == [f"3:54: ca: {said}"]


def test_the_authoritys_text_goes_with_the_configuration(tmp_path: Path) -> None:
    """A function's package has no other file."""
    (tmp_path / "own.pem").write_bytes(trustme.CA().cert_pem.bytes())
    assert read(f"{URL}, ca: own.pem", tmp_path).ca == (tmp_path / "own.pem").read_text()


def test_a_reference_that_another_clouds_function_cannot_read(tmp_path: Path) -> None:
    assert problems_of(f"{URL}, api_key: '${{gcp-secret:es}}'", tmp_path, TWO_CLOUDS) == [
        "3:59: api_key: ${gcp-secret:...} can be read by Google Cloud's function alone, and AWS keeps history too; "
        "write ${own-cloud:NAME} and keep the secret under that name in each cloud, or keep it in AWS: "
        "${secretsmanager:NAME}"
    ]
    assert read(f"{URL}, api_key: '${{own-cloud:es}}'", tmp_path, TWO_CLOUDS).api_key == "${own-cloud:es}"


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    keys = "url: 'http://h', keep: 1 h, shards: 0, index: X, metrics: [heat]"
    assert len(problems_of(keys, tmp_path)) == 5
