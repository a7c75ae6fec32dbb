"""Which containers hold what, and what a name asks for."""

from dataclasses import dataclass
from pathlib import Path

from rtdeclip.errors import FileError, SettingError
from rtdeclip.stream.headroom import Policy

_BYTES = {"FLOAT": 4, "PCM_24": 3}
RIFF_LIMIT = (1 << 32) - (1 << 20)  # leaves room for header and tags


@dataclass(frozen=True, slots=True)
class Container:
    """One file format, as it is written.

    Args:
        format: libsndfile's name.
        floating: subtype that keeps samples above full scale, None if it has none.
        fitted: subtype for sound that keeps within full scale.
        lossy: it changes every sample.
        max_channels: the most it holds.
        rates: sample rates in Hz it holds; empty for any.
    """

    format: str
    floating: str | None = "FLOAT"
    fitted: str = "PCM_24"
    lossy: bool = False
    max_channels: int = 1024
    rates: tuple[int, ...] = ()

    def subtype(self, policy: Policy) -> str:
        """How samples are stored under a headroom policy.

        Raises:
            SettingError: ``float`` for a container of integers.
        """
        if policy != "float":
            return self.fitted
        if self.floating is None:
            raise SettingError(
                f"{self.format} holds integers only, `--output float` keeps peaks "
                "above full scale. Use --output fit or limit, or name the file .wav."
            )
        return self.floating

    @property
    def policy(self) -> Policy:
        """The headroom policy when none is given.

        Lossy formats fit: they could carry peaks, but most players decode them to
        integers and would cut them.
        """
        return "fit" if self.floating is None or self.lossy else "float"

    def check(self, path: Path, sample_rate: int, n_channels: int) -> None:
        """Raises FileError where this sound does not go into this container."""
        if n_channels > self.max_channels:
            raise FileError(
                f"{path} has {n_channels} channels; {path.suffix} holds "
                f"{self.max_channels} at most. Name the output .wav."
            )
        if self.rates and sample_rate not in self.rates:
            raise FileError(
                f"{path} would have {sample_rate} Hz; {path.suffix} holds "
                f"{', '.join(map(str, self.rates))} Hz. Name the output .wav."
            )


_MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_OPUS_RATES = (8000, 12000, 16000, 24000, 48000)
_VORBIS = Container("OGG", "VORBIS", "VORBIS", lossy=True, max_channels=255)
WAV = Container("WAV")
CONTAINERS: dict[str, Container] = {
    ".wav": WAV,
    ".wave": WAV,
    ".rf64": Container("RF64"),
    ".w64": Container("W64"),
    ".caf": Container("CAF"),
    ".aif": Container("AIFF"),
    ".aiff": Container("AIFF"),
    ".aifc": Container("AIFF"),
    ".au": Container("AU"),
    ".flac": Container("FLAC", None, "PCM_24", max_channels=8),
    ".ogg": _VORBIS,
    ".oga": _VORBIS,
    ".opus": Container(
        "OGG", "OPUS", "OPUS", lossy=True, max_channels=255, rates=_OPUS_RATES
    ),
    ".mp3": Container(
        "MP3",
        "MPEG_LAYER_III",
        "MPEG_LAYER_III",
        lossy=True,
        max_channels=2,
        rates=_MP3_RATES,
    ),
}
"""By the suffix of the name, lower case; also the files a folder is searched for."""


def container_for(path: Path) -> Container:
    """What ``path`` is written as, by its suffix.

    Raises:
        FileError: a suffix that no container has.
    """
    container = CONTAINERS.get(path.suffix.lower())
    if container is None:
        raise FileError(
            f"{path} names no audio format that can be written; known suffixes are "
            f"{' '.join(CONTAINERS)}. Name the output .wav."
        )
    return container


def kept_suffix(path: Path, policy: Policy | None) -> str:
    """The suffix for the restored twin of ``path``: its own, where that is sensible.

    Lossy files become WAV (encoding twice loses twice), and so does what cannot hold
    the policy.

    Args:
        path: the input.
        policy: the headroom asked for, None if none was.
    """
    container = CONTAINERS.get(path.suffix.lower())
    if container is None or container.lossy:
        return ".wav"
    if policy == "float" and container.floating is None:
        return ".wav"
    return path.suffix


def big_format(container: Container, n_bytes: int | None) -> str:
    """The container's name, RF64 instead of WAV above 4 GB or for unknown length."""
    if container.format == "WAV" and (n_bytes is None or n_bytes > RIFF_LIMIT):
        return "RF64"
    return container.format


def data_bytes(subtype: str, n_samples: int | None, n_channels: int) -> int | None:
    """Bytes of samples in a file, None where unknown or compressed."""
    if n_samples is None or subtype not in _BYTES:
        return None
    return n_samples * n_channels * _BYTES[subtype]
