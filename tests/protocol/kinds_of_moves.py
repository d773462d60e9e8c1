"""Every kind of move that the delivery protocol's model must meet, by hand: verb and outcome."""

from __future__ import annotations

WRITES = ("commits the next transition", "claims", "puts the receipt", "gives back", "gives up")
ANSWERS = ("done", "conflict", "lost, not written", "lost, written", "lost, under way")
FOUND = ("it stands", "it does not stand, once more", "another was first")
RECEIVERS = (
    "taken",
    "refused",
    "refused, too old",
    "taken, and the answer lost",
    "taken, and the answer lost, too old",
)
OTHERS = (
    "reads the alert",
    "reads what is owed",
    "looks at its lease",
    "is killed",
    "has no time left",
    "a minute passes",
    "does not notice that a minute passes",
    "claims with a lease from a minute ago",
)

KINDS = frozenset(
    {
        *((write, answer) for write in WRITES for answer in ANSWERS),
        *((f"reads whether it {write}", found) for write in WRITES for found in FOUND),
        *(("sends", answer) for answer in RECEIVERS),
        *((verb, "done") for verb in OTHERS),
        ("a minute passes", "all are frozen"),
        *((f"a late write arrives: {write}", "done") for write in WRITES),
    }
)
