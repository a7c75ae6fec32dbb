import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from rtdeclip.errors import FileError
from rtdeclip.files.formats import CONTAINERS, container_for
from rtdeclip.files.write import FileSink, PipeSink, check_room, to_int24
from rtdeclip.types import Samples


def sink_for(path: Path, **changes: object) -> FileSink:
    container = container_for(path)
    given: dict[str, object] = {
        "path": path,
        "container": container,
        "subtype": container.subtype(container.policy),
        "sample_rate": 16000,
        "n_channels": 2,
        "n_samples": 24000,
    }
    return FileSink(**(given | changes))


def write_and_fail(sink: FileSink, error: BaseException, n_samples: int = 100) -> None:
    with sink:
        sink.write(np.full((n_samples, 2), 0.25, np.float32))
        raise error


@pytest.mark.parametrize("suffix", CONTAINERS)
@pytest.mark.parametrize("known", [True, False])
def test_every_container_is_written_whole(
    tmp_path: Path, clipped: Samples, suffix: str, known: bool
) -> None:
    path = tmp_path / f"x{suffix}"
    with sink_for(path, n_samples=len(clipped) if known else None) as sink:
        for start in range(0, len(clipped), 5000):
            sink.write(clipped[start : start + 5000])
        sink.commit()
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    got, _ = sf.read(path, dtype="float32")
    assert got.shape == clipped.shape
    if not container_for(path).lossy:
        np.testing.assert_allclose(got, clipped, atol=2**-24)
    if suffix == ".wav":
        assert sf.info(path).format in ("WAV", "WAVEX")


@pytest.mark.parametrize("name", ["x.wav", "x.caf", "x.w64", "x.au", "x.aiff"])
def test_floats_above_full_scale_are_kept(tmp_path: Path, name: str) -> None:
    x = np.array([[1.5, -3.0], [0.1, 0.2]], np.float32)
    with sink_for(tmp_path / name) as sink:
        sink.write(x)
        sink.commit()
    np.testing.assert_array_equal(sf.read(tmp_path / name, dtype="float32")[0], x)


@pytest.mark.parametrize("bits", [8, 16, 24])
def test_integers_come_back_exactly_from_24_bits(tmp_path: Path, bits: int) -> None:
    half = 1 << (bits - 1)
    values = np.unique(np.linspace(-half, half - 1, 3001).astype(np.int64))
    x = (values / half).astype(np.float32)[:, None]
    assert (to_int24(x)[:, 0] >> (32 - bits) == values).all()
    with sink_for(tmp_path / "x.flac", n_channels=1) as sink:
        sink.write(x)
        sink.commit()
    got, _ = sf.read(tmp_path / "x.flac", dtype="float32", always_2d=True)
    np.testing.assert_array_equal(got, x)


def test_integers_refuse_to_cut_a_peak() -> None:
    with pytest.raises(AssertionError):
        to_int24(np.array([[1.01]], np.float32))


def test_tags_are_kept_and_the_lost_ones_named(tmp_path: Path) -> None:
    tags = {"title": "Zoë", "artist": "A", "license": "CC0", "album": ""}
    with sink_for(tmp_path / "x.flac", tags=tags) as sink:
        sink.write(np.zeros((10, 2), np.float32))
        sink.commit()
    assert sink.lost_tags == []
    with sf.SoundFile(tmp_path / "x.flac") as file:
        assert (file.title, file.artist, file.license) == ("Zoë", "A", "CC0")
    with sink_for(tmp_path / "x.w64", tags=tags) as sink:
        sink.write(np.zeros((10, 2), np.float32))
        sink.commit()
    assert sink.lost_tags == ["artist", "license", "title"]


def test_nothing_stands_under_the_name_before_the_end(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(b"the old file")
    with sink_for(path) as sink:
        sink.write(np.zeros((10, 2), np.float32))
        assert path.read_bytes() == b"the old file"
        sink.commit()
    assert sf.info(path).frames == 10


def test_an_error_leaves_nothing_and_the_old_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(b"the old file")
    with pytest.raises(ValueError, match="odd"):
        write_and_fail(sink_for(path), ValueError("odd"))
    assert [p.name for p in tmp_path.iterdir()] == ["x.wav"]
    assert path.read_bytes() == b"the old file"


def test_ctrl_c_keeps_a_playable_partial_file(tmp_path: Path) -> None:
    sink = sink_for(tmp_path / "x.flac")
    with pytest.raises(KeyboardInterrupt):
        write_and_fail(sink, KeyboardInterrupt())
    assert [p.name for p in tmp_path.iterdir()] == ["x.partial.flac"]
    assert sink.partial == tmp_path / "x.partial.flac"
    got, _ = sf.read(tmp_path / "x.partial.flac")
    assert got.shape == (100, 2)


def test_ctrl_c_before_the_first_sample_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        write_and_fail(sink_for(tmp_path / "x.wav"), KeyboardInterrupt(), 0)
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_written_through(tmp_path: Path) -> None:
    real = tmp_path / "real.wav"
    real.write_bytes(b"old")
    link = tmp_path / "link.wav"
    link.symlink_to(real)
    with sink_for(link) as sink:
        sink.write(np.zeros((10, 2), np.float32))
        sink.commit()
    assert link.is_symlink()
    assert sf.info(real).frames == 10


def test_places_that_cannot_take_a_file_are_refused_with_the_cure(
    tmp_path: Path,
) -> None:
    with pytest.raises(FileError, match="mkdir -p"):
        check_room(tmp_path / "no" / "x.wav", 0)
    with pytest.raises(FileError, match="--out"):
        check_room(tmp_path, 0)
    with pytest.raises(FileError, match="Make room"):
        check_room(tmp_path / "x.wav", 1 << 62)


def test_a_format_that_cannot_hold_the_sound_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="8 at most"):
        sink_for(tmp_path / "x.flac", n_channels=24)
    assert list(tmp_path.iterdir()) == []


DISK_FULL = """
    import resource, sys
    from pathlib import Path
    import numpy as np
    from rtdeclip.errors import FileError
    from rtdeclip.files.formats import container_for
    from rtdeclip.files.write import FileSink

    # What a full disk is to a writer, made without one: no file may pass 200 kB.
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
    path = Path(sys.argv[1])
    container = container_for(path)
    noise = np.random.default_rng(0).uniform(-0.9, 0.9, (20_000, 2)).astype("f4")
    try:
        with FileSink(path, container, container.subtype(container.policy), 48000, 2,
                      None) as sink:
            for _ in range(40):
                sink.write(noise)
            sink.commit()
    except FileError as error:
        print(error)
"""


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3", ".caf"])
def test_a_full_disk_is_an_error_and_leaves_nothing(
    tmp_path: Path, suffix: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(DISK_FULL), tmp_path / f"x{suffix}"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "could not be written" in done.stdout, done.stderr
    assert "Make room" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_device_takes_a_wav_stream_and_a_missing_one_is_named() -> None:
    with PipeSink("/dev/null", 16000, 2, 10) as sink:
        sink.write(np.zeros((10, 2), np.float32))
        sink.commit()
    with pytest.raises(FileError, match="cannot be opened"):
        PipeSink("/dev/no/such", 16000, 2)


def test_a_full_device_is_an_error() -> None:
    with pytest.raises(FileError, match="cannot be written to"):
        PipeSink("/dev/full", 16000, 2)
