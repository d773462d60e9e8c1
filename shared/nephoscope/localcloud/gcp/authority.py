"""A throw-away certificate authority: one for the process, because gRPC reads its roots once and keeps them.

GRPC_DEFAULT_SSL_ROOTS_FILE_PATH is looked at when the process opens its first secure channel; a second local Google in
the same process must therefore be signed by the same authority as the first.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

import trustme


@cache
def _authority() -> trustme.CA:
    return trustme.CA(organization_name="nephoscope local Google")


@cache
def directory() -> Path:
    """An own directory that ends with the process."""
    path = Path(tempfile.mkdtemp(prefix="nephoscope-gcp-"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


@cache
def roots_file() -> Path:
    """PEM: what a client must trust."""
    path = directory() / "roots.pem"
    _authority().cert_pem.write_to_path(str(path))
    return path


@cache
def key_and_chain() -> tuple[bytes, bytes]:
    """PEM: the private key and the certificate chain of 127.0.0.1 and localhost."""
    issued = _authority().issue_cert("127.0.0.1", "localhost")
    return issued.private_key_pem.bytes(), b"".join(part.bytes() for part in issued.cert_chain_pems)
