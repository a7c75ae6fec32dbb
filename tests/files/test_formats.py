from pathlib import Path

import pytest
import soundfile as sf

from rtdeclip.errors import FileError, SettingError
from rtdeclip.files.formats import (
    CONTAINERS,
    RIFF_LIMIT,
    big_format,
    container_for,
    data_bytes,
    kept_suffix,
)


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_libsndfile_can_write_every_container_under_every_policy(suffix: str) -> None:
    container = container_for(Path(f"x{suffix.upper()}"))
    assert sf.check_format(container.format, container.subtype("fit"))
    assert sf.check_format(container.format, container.subtype("limit"))
    if container.floating:
        assert sf.check_format(container.format, container.subtype("float"))


def test_policies_follow_what_the_format_holds() -> None:
    assert container_for(Path("x.wav")).policy == "float"
    assert container_for(Path("x.flac")).policy == "fit"
    assert container_for(Path("x.mp3")).policy == "fit"
    assert container_for(Path("x.wav")).subtype("float") == "FLOAT"
    assert container_for(Path("x.wav")).subtype("fit") == "PCM_24"


def test_float_into_integers_is_refused_with_the_alternatives() -> None:
    with pytest.raises(SettingError, match=r"fit or limit, or name the file \.wav"):
        container_for(Path("x.flac")).subtype("float")


def test_an_unknown_suffix_is_refused_with_the_known_ones() -> None:
    with pytest.raises(FileError, match=r"\.flac"):
        container_for(Path("x.doc"))


@pytest.mark.parametrize(
    ("name", "rate", "n_channels"),
    [("x.flac", 48000, 9), ("x.mp3", 48000, 3), ("x.mp3", 96000, 2)],
)
def test_what_does_not_fit_a_container_is_refused(
    name: str, rate: int, n_channels: int
) -> None:
    with pytest.raises(FileError, match=r"\.wav"):
        container_for(Path(name)).check(Path(name), rate, n_channels)


def test_restored_twins_keep_their_suffix_where_that_loses_nothing() -> None:
    assert kept_suffix(Path("a.FLAC"), None) == ".FLAC"
    assert kept_suffix(Path("a.flac"), "float") == ".wav"
    assert kept_suffix(Path("a.mp3"), None) == ".wav"
    assert kept_suffix(Path("a.voc"), None) == ".wav"
    assert kept_suffix(Path("a.w64"), "limit") == ".w64"


def test_wav_grows_into_rf64_above_four_gigabytes_or_when_unknown() -> None:
    wav = container_for(Path("x.wav"))
    assert big_format(wav, RIFF_LIMIT) == "WAV"
    assert big_format(wav, RIFF_LIMIT + 1) == "RF64"
    assert big_format(wav, None) == "RF64"
    assert big_format(container_for(Path("x.w64")), None) == "W64"
    two_hours = data_bytes("FLOAT", 2 * 3600 * 96000, 2)
    assert big_format(wav, two_hours) == "RF64"
    assert data_bytes("OPUS", 100, 2) is None
