"""What botocore must not write to the log, whatever level a person has set."""

from __future__ import annotations

import logging

_ANSWERS = "botocore.parsers"


def keep_answers_out_of_the_log() -> None:
    """botocore writes every answer's body to this log at DEBUG: here these are secrets and credentials."""
    logging.getLogger(_ANSWERS).setLevel(logging.INFO)
