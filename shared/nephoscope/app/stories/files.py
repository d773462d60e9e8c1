"""Where story files are: those that a person names, and those of the starter rules, which come with the package."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

ENDINGS = (".yaml", ".yml")
STARTER_STORIES = Path(__file__).parent.parent / "authoring" / "starter_stories"


def story_files(paths: Iterable[Path]) -> tuple[Path, ...]:
    """The files themselves, and those in folders and the folders below, in the order of their names; each once.
    Raises FileNotFoundError, its filename the path that leads nowhere."""
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(2, "there is no such file", str(path))
        found += [path] if path.is_file() else sorted(each for each in path.rglob("*") if _is_story(each))
    return tuple(dict.fromkeys(found))


def _is_story(path: Path) -> bool:
    return path.suffix in ENDINGS and path.is_file()
