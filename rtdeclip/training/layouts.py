"""Which files of the known corpora are clean sound, and which belong together.

Speakers and pieces must not be split between training and validation. A file of no
known layout is its own group.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Layout:
    """How one corpus names its files.

    Args:
        name: of the corpus.
        pattern: matched against the end of the path, ``/`` between parts; the group
            ``who`` is the speaker, player or piece, ``unfit`` marks files that are
            not clean sound.
    """

    name: str
    pattern: re.Pattern[str]


def _layout(name: str, pattern: str) -> Layout:
    return Layout(name, re.compile(rf"(?:^|/){pattern}$", re.IGNORECASE))


LAYOUTS = (
    _layout("LibriSpeech", r"(?P<who>\d+)-\d+-\d{4}\.flac"),
    _layout("VCTK", r"(?P<who>[ps]\d{2,3})_\d{3}(_mic\d)?\.(wav|flac)"),
    _layout("GTZAN", r"(?P<who>[a-z]+\.\d{5})\.(wav|au)"),
    _layout("GuitarSet", r"(?P<who>0\d)_\w+-\d+-[A-G]\S*_(comp|solo)\S*\.wav"),
    _layout(
        "MUSDB",
        r"(?P<who>[^/]+)/(?:mixture|(?P<unfit>vocals|drums|bass|other))\.(wav|mp4)",
    ),
    _layout("MusicNet", r"(?:train|test)_data/(?P<who>\d{4})\.wav"),
    _layout("SignalTrain", r"(?:(?P<unfit>target)|input)_(?P<who>\d+)_\S*\.wav"),
    _layout(
        "IDMT-SMT-Audio-Effects",
        r"(?P<who>[GBP]\d\d)-\d{5}-(?:1111|(?P<unfit>\d{4}))-\d{5}\.wav",
    ),
    _layout("FARSDAT", r"(?P<who>S\d{3})/\S+\.wav"),
)


def group_of(path: Path) -> str:
    """Who or what is heard in ``path``: equal for files that belong together."""
    for layout in LAYOUTS:
        found = layout.pattern.search(path.as_posix())
        if found:
            return f"{layout.name} {found['who'].lower()}"
    return path.as_posix()


def is_clean(path: Path) -> bool:
    """Whether the layout lets this file be trained on (not an effect's output)."""
    for layout in LAYOUTS:
        found = layout.pattern.search(path.as_posix())
        if found:
            return not found.groupdict().get("unfit")
    return True


def split(paths: Sequence[Path], share: float) -> tuple[list[Path], list[Path]]:
    """Training and validation files; no group is in both.

    Args:
        paths: all files.
        share: of the groups that go to validation, at least one if above 0 and there
            are two groups. Which ones depends on their names only.
    """
    groups = sorted({group_of(p) for p in paths}, key=_shuffled)
    count = round(share * len(groups))
    if share > 0 and len(groups) > 1:
        count = max(1, count)
    held = set(groups[:count])
    train = [p for p in paths if group_of(p) not in held]
    return train, [p for p in paths if group_of(p) in held]


def _shuffled(group: str) -> str:
    return hashlib.sha256(Path(group).name.encode()).hexdigest()
