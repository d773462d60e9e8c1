"""Where secrets are kept, and whose functions can read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from nephoscope.app.authoring.compile import Compiled, compile_file
from nephoscope.app.authoring.explain import explain
from nephoscope.catalog.loader import load_catalog
from nephoscope.model.errors import ConfigError

AWS = "aws: {regions: [eu-west-1]}"
GCP = "gcp: {projects: [acme-web]}"
AZURE = 'azure: {subscriptions: ["0a1b2c3d-0000-4000-8000-00000000000f"]}'
KEPT_IN_EACH = "write ${own-cloud:NAME} and keep the secret under that name in each cloud, or keep it in AWS"


def compiled(folder: Path, channel: str, *clouds: str) -> Compiled:
    path = folder / "nephoscope.yaml"
    path.write_text(
        f"fleet: acme\ngather: {{{', '.join(clouds)}}}\npublish: {{cloudwatch: {{region: eu-west-1}}}}\n"
        f"tell: {{chat: {channel}}}\n",
        encoding="utf-8",
    )
    return compile_file(path, {})


def problems(folder: Path, channel: str, *clouds: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        compiled(folder, channel, *clouds)
    return [problem.text for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("reference", "kind", "name"),
    [
        ("${gcp-secret:chat}", "gcp-secret", "chat"),
        ("${gcp-secret:chat#url}", "gcp-secret", "chat"),
        ("${gcp-secret:projects/acme-ops/secrets/chat}", "gcp-secret", "projects/acme-ops/secrets/chat"),
        ("${gcp-secret:chat/versions/3}", "gcp-secret", "chat/versions/3"),
    ],
)
def test_googles_secrets_where_google_alone_is_gathered(reference: str, kind: str, name: str, tmp_path: Path) -> None:
    made = compiled(tmp_path, f'{{webhook: "{reference}"}}', GCP)
    assert (made.warnings, made.deploy["secrets"][kind]) == ((), [name])


def test_a_key_vault_where_azure_alone_is_gathered(tmp_path: Path) -> None:
    made = compiled(tmp_path, '{webhook: "${key-vault:acme-kv/chat#url}", secret: "${key-vault:acme-kv/key}"}', AZURE)
    assert made.deploy["secrets"]["key-vault"] == ["acme-kv/chat", "acme-kv/key"]


def test_a_secret_of_one_name_in_each_cloud(tmp_path: Path) -> None:
    channel = '{webhook: "${own-cloud:nephoscope-near#url}", fallback: true}'
    made = compiled(tmp_path, channel, AWS, GCP, AZURE)
    assert (made.warnings, made.config.channels["chat"].webhook) == ((), "${own-cloud:nephoscope-near#url}")
    assert made.deploy["secrets"] == {
        "env": [], "ssm": [], "secretsmanager": [], "gcp-secret": [], "key-vault": [], "own-cloud": ["nephoscope-near"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("channel", "clouds", "said"),
    [
        ('{webhook: "${gcp-secret:chat}"}', (AWS, GCP),
         "webhook: ${gcp-secret:...} can be read by Google Cloud's function alone, and AWS tells this channel too; "),
        ('{webhook: "${gcp-secret:chat}"}', (AWS, GCP, AZURE),
         "webhook: ${gcp-secret:...} can be read by Google Cloud's function alone, and AWS and Azure tell this "),
        ('{webhook: "${env:U}", secret: "${key-vault:kv-one/chat}"}', (GCP, AZURE),
         "secret: ${key-vault:...} can be read by Azure's function alone, and Google Cloud tells this channel too; "),
    ],
)  # fmt: skip
def test_what_another_function_could_not_read_is_an_error_that_says_what_to_use(
    channel: str, clouds: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    (problem,) = problems(tmp_path, channel, *clouds)
    assert problem.startswith(said)
    assert KEPT_IN_EACH in problem


@pytest.mark.parametrize(
    ("name", "clouds", "said"),
    [
        ("nephoscope/near", (AWS,), []),
        ("nephoscope/near", (AWS, GCP), ["Google Secret Manager: letters, digits, - and _, 255 at most"]),
        ("nephoscope_near", (AWS, GCP), []),
        ("nephoscope_near", (AWS, GCP, AZURE), ["Azure Key Vault: letters, digits and -, 127 at most"]),
        ("a.b", (AWS, GCP, AZURE), [
            "Google Secret Manager: letters, digits, - and _, 255 at most",
            "Azure Key Vault: letters, digits and -, 127 at most",
        ]),
        ("n" * 127, (AZURE,), []),
        ("n" * 128, (AZURE,), ["Azure Key Vault: letters, digits and -, 127 at most"]),
    ],
)  # fmt: skip
def test_an_own_clouds_name_is_legal_in_every_cloud_that_is_gathered(
    name: str, clouds: tuple[str, ...], said: list[str], tmp_path: Path
) -> None:
    channel = f'{{webhook: "${{own-cloud:{name}}}"}}'
    if not said:
        assert compiled(tmp_path, channel, *clouds).deploy["secrets"]["own-cloud"] == [name]
        return
    expected = [f'webhook: "{name}" cannot be a secret\'s name in {each}' for each in said]
    assert sorted(problems(tmp_path, channel, *clouds)) == sorted(expected)


@pytest.mark.parametrize("reference", ["${ssm:/a}", "${secretsmanager:a}"])
def test_a_fallback_that_is_out_of_reach_with_aws_is_odd(reference: str, tmp_path: Path) -> None:
    kind = reference[2:].partition(":")[0]
    fallback = f'{{webhook: "{reference}", fallback: true}}'
    (warning,) = compiled(tmp_path, fallback, AWS, GCP, AZURE).warnings
    assert warning.text == (
        f"webhook: where AWS is out of reach, ${{{kind}:...}} is too, and Google Cloud and Azure could tell nobody; a "
        "fallback's secret is better kept in each function's own cloud: ${own-cloud:NAME}"
    )
    assert compiled(tmp_path, fallback, AWS).warnings == ()
    assert compiled(tmp_path, f'{{webhook: "{reference}"}}', AWS, GCP, AZURE).warnings == ()


@pytest.mark.parametrize(
    "reference",
    [
        "${gcp-secret:a/b}", "${gcp-secret:projects/p/secrets/}", "${gcp-secret:a/versions/0}", "${gcp-secret:a.b}",
        "${key-vault:chat}", "${key-vault:kv/chat}", "${key-vault:1vault/chat}", "${key-vault:my--vault/chat}",
        "${key-vault:a-vault-with-25-characters/chat}", "${key-vault:vault-/chat}", "${key-vault:vault/my_chat}",
        "${own-cloud:a b}", "${own-cloud:#key}",
    ],
)  # fmt: skip
def test_names_that_no_cloud_would_take(reference: str, tmp_path: Path) -> None:
    cloud = GCP if "gcp" in reference else AZURE
    name = reference.partition(":")[2].rstrip("}")
    (problem,) = problems(tmp_path, f'{{webhook: "{reference}"}}', cloud)
    assert problem.startswith(f'webhook: "{name}" cannot be the name in ${{')


def test_where_it_is_kept_is_explained(tmp_path: Path) -> None:
    made = compiled(tmp_path, '{webhook: "${own-cloud:near}", fallback: true}', AWS, GCP)
    assert explain(made.config, load_catalog())[-1] == (
        "chat: webhook, json, not signed, kept in the cloud of each function; a message is tried for 1 d; told when "
        "another channel is given up."
    )
