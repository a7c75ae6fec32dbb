import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf

import rtdeclip.files.restore as restore_module
from rtdeclip.errors import FileError, PluginError, SettingError
from rtdeclip.files.chain import Chain, EffectChoice
from rtdeclip.files.restore import Interrupted, restore_file
from rtdeclip.files.wav import header_bytes
from rtdeclip.stream import registry
from rtdeclip.stream.offline import declip
from rtdeclip.testing import dummy
from rtdeclip.types import Samples


def load(path: Path) -> Samples:
    x: Samples = sf.read(path, dtype="float32", always_2d=True)[0]
    return x


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_restored_as_declip_restores_it_in_memory(
    recording: Path, clipped: Samples, clean: Samples
) -> None:
    before = hashlib.sha256(recording.read_bytes()).digest()
    target = recording.with_name("restored.wav")
    row = restore_file(str(recording), str(target), Chain()).row()
    assert hashlib.sha256(recording.read_bytes()).digest() == before
    assert names_in(recording.parent) == ["recording.wav", "restored.wav"]
    got = load(target)
    np.testing.assert_array_equal(got, declip(clipped, 16000))
    error = np.square(clipped - clean).sum() / np.square(got - clean).sum()
    assert 10 * np.log10(error) > 3
    with sf.SoundFile(target) as file:
        assert (file.subtype, file.title) == ("FLOAT", "Two strings")
    assert row["processor"] == "best"
    assert "default" in row["processor_reason"]
    assert row["n_samples"] == 24000
    assert row["severity"] == "severe"
    assert (row["headroom"], row["gain_db"], row["lost"]) == ("float", 0.0, [])
    assert row["peak_dbfs"] == row["output_peak_dbfs"]
    assert row["rtf"] == pytest.approx(row["elapsed_s"] / 1.5)


def test_an_unclipped_file_comes_out_bit_exact_in_every_lossless_format(
    tmp_path: Path, clean: Samples
) -> None:
    source = tmp_path / "clean.wav"
    sf.write(source, clean, 16000, subtype="PCM_16")
    for name in ("o.wav", "o.flac", "o.aiff", "o.caf", "o.w64"):
        row = restore_file(str(source), str(tmp_path / name), Chain()).row()
        assert row["severity"] == "none"
        assert row["gain_db"] == 0.0
        np.testing.assert_array_equal(load(tmp_path / name), load(source))


def loud(path: Path, seconds: float = 0.5) -> Path:
    """A full-scale recording whose peaks were cut hard."""
    n = np.arange(int(16000 * seconds))
    x = np.clip(1.8 * np.sin(0.07 * n) * (1 + 0.3 * np.sin(0.001 * n)), -1, 1)
    sf.write(path, x, 16000, subtype="FLOAT")
    return path


def test_fit_lowers_all_by_one_noted_gain_and_cuts_nothing(tmp_path: Path) -> None:
    source = loud(tmp_path / "loud.wav")
    plain = tmp_path / "float.wav"
    assert restore_file(str(source), str(plain), Chain()).peak > 1.2
    target = tmp_path / "fit.flac"
    row = restore_file(str(source), str(target), Chain()).row()
    assert row["headroom"] == "fit"
    assert row["output_peak_dbfs"] == pytest.approx(-0.1, abs=0.011)
    assert row["gain_db"] == pytest.approx(-0.1 - row["peak_dbfs"], abs=0.011)
    with sf.SoundFile(target) as file:
        assert file.comment == f"rtdeclip gain_db={row['gain_db']:.6g}"
        assert file.subtype == "PCM_24"
    gain = 10 ** (row["gain_db"] / 20)
    np.testing.assert_allclose(load(target) / gain, load(plain), atol=3e-7)
    assert names_in(tmp_path) == ["fit.flac", "float.wav", "loud.wav"]


def test_gains_noted_before_are_added_and_other_comments_kept(tmp_path: Path) -> None:
    source = tmp_path / "loud.wav"
    x = load(loud(tmp_path / "raw.wav"))
    with sf.SoundFile(source, "w", 16000, 1, "FLOAT") as file:
        file.comment = "from tape; rtdeclip gain_db=20"
        file.write(x)
    row = restore_file(str(source), str(tmp_path / "o.flac"), Chain()).row()
    with sf.SoundFile(tmp_path / "o.flac") as file:
        total = 20 + row["gain_db"]
        assert file.comment == f"from tape; rtdeclip gain_db={total:.6g}"


@pytest.mark.parametrize("name", ["o.ogg", "o.mp3", "o.opus"])
def test_lossy_formats_are_fitted_with_room_for_their_own_peaks(
    tmp_path: Path, name: str
) -> None:
    source = loud(tmp_path / "loud.wav")
    row = restore_file(str(source), str(tmp_path / name), Chain()).row()
    assert row["headroom"] == "fit"
    assert row["output_peak_dbfs"] == pytest.approx(-1.0, abs=0.011)
    assert np.abs(load(tmp_path / name)).max() < 1.0


def test_limit_holds_the_ceiling_and_keeps_the_rest(tmp_path: Path) -> None:
    source = loud(tmp_path / "loud.wav")
    chain = Chain(policy="limit", ceiling_db=-2.0)
    row = restore_file(str(source), str(tmp_path / "o.wav"), chain).row()
    got = load(tmp_path / "o.wav")
    assert got.shape == (8000, 1)
    assert np.abs(got).max() <= 10 ** (-2 / 20) + 2**-24
    assert row["limited_samples"] > 0
    assert row["limiter_reduction_db"] > 2.0
    assert row["gain_db"] == 0.0


def test_given_levels_are_used_without_a_search(
    recording: Path, clipped: Samples
) -> None:
    target = recording.with_name("o.wav")
    row = restore_file(str(recording), str(target), Chain(level=(None, 0.5))).row()
    assert row["severity"] is None
    got = load(target)
    positive = clipped > 0
    np.testing.assert_array_equal(got[positive], clipped[positive])
    assert got.min() < -0.6


def test_repair_only_and_wet_reach_the_file(recording: Path, clipped: Samples) -> None:
    out = {name: recording.with_name(f"{name}.wav") for name in ("full", "diff", "dry")}
    restore_file(str(recording), str(out["full"]), Chain())
    restore_file(str(recording), str(out["diff"]), Chain(repair_only=True))
    restore_file(str(recording), str(out["dry"]), Chain(wet=0.0))
    np.testing.assert_allclose(
        load(out["diff"]), load(out["full"]) - clipped, atol=1e-6
    )
    np.testing.assert_array_equal(load(out["dry"]), clipped)


def test_effects_around_the_declipper_reach_the_file(recording: Path) -> None:
    chain = Chain(
        pre=(EffectChoice("gain", {"gain_db": -20.0}),),
        post=(EffectChoice("gain", {"gain_db": 20.0}), EffectChoice("limiter")),
    )
    row = restore_file(str(recording), str(recording.with_name("o.wav")), chain).row()
    assert row["channels"][0]["high"]["level"] == pytest.approx(0.05, rel=0.01)
    assert row["output_peak_dbfs"] <= -1.0
    assert row["n_samples"] == 24000


@pytest.mark.parametrize("rate", [8000, 11025, 96000, 192000])
def test_sample_rates_from_8_to_192_khz(tmp_path: Path, rate: int) -> None:
    x = np.clip(np.sin(0.05 * np.arange(4000)), -0.6, 0.6)
    sf.write(tmp_path / "x.wav", x, rate, subtype="FLOAT")
    row = restore_file(
        str(tmp_path / "x.wav"), str(tmp_path / "o.wav"), Chain(policy="limit")
    ).row()
    assert row["sample_rate"] == sf.info(tmp_path / "o.wav").samplerate == rate
    assert len(load(tmp_path / "o.wav")) == 4000


def test_twenty_four_channels(tmp_path: Path) -> None:
    n = np.arange(3000)
    x = np.stack([np.sin((0.02 + 0.001 * c) * n) for c in range(24)], 1)
    x = np.clip(x, -0.5, 0.5).astype(np.float32)
    sf.write(tmp_path / "x.wav", x, 48000, subtype="FLOAT")
    row = restore_file(
        str(tmp_path / "x.wav"), str(tmp_path / "o.wav"), Chain(level=(0.5, 0.5))
    ).row()
    got = load(tmp_path / "o.wav")
    assert row["n_channels"] == 24
    for c in (0, 11, 23):
        expected = declip(x[:, c], 48000, level=0.5)
        np.testing.assert_array_equal(got[:, c], expected)


@pytest.mark.parametrize("n_samples", [1, 2, 300])
def test_the_shortest_files(tmp_path: Path, n_samples: int) -> None:
    x = np.full((n_samples, 1), 0.3, np.float32)
    sf.write(tmp_path / "x.wav", x, 8000, subtype="FLOAT")
    for name in ("o.wav", "o.flac"):
        restore_file(str(tmp_path / "x.wav"), str(tmp_path / name), Chain())
        assert load(tmp_path / name).shape == (n_samples, 1)


def test_non_finite_samples_are_taken_as_zero_and_counted(tmp_path: Path) -> None:
    x = 0.5 * np.sin(0.03 * np.arange(4000))
    x[[5, 6]] = np.nan, np.inf
    sf.write(tmp_path / "x.wav", x, 8000, subtype="FLOAT")
    row = restore_file(str(tmp_path / "x.wav"), str(tmp_path / "o.wav"), Chain()).row()
    got = load(tmp_path / "o.wav")[:, 0]
    assert row["nonfinite_samples"] == 2
    assert np.isfinite(got).all()
    assert got[[5, 6]].tolist() == [0, 0]


def test_a_truncated_file_is_restored_as_far_as_it_goes(recording: Path) -> None:
    recording.write_bytes(recording.read_bytes()[:100_000])
    target = recording.with_name("o.wav")
    row = restore_file(str(recording), str(target), Chain()).row()
    assert row["n_samples"] == len(load(target)) < 24000
    assert "24000 samples are promised" in row["warnings"][0]


def test_an_empty_sound_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    sf.write(tmp_path / "x.wav", np.zeros((0, 1)), 8000)
    for chain in (Chain(), Chain(level=(0.5, 0.5)), Chain(policy="fit")):
        with pytest.raises(FileError, match="no samples"):
            restore_file(str(tmp_path / "x.wav"), str(tmp_path / "o.wav"), chain)
    assert names_in(tmp_path) == ["x.wav"]


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_the_input_is_never_written_to(recording: Path, link: Any) -> None:
    before = recording.read_bytes()
    other = recording.with_name("other.wav")
    link(recording, other)
    for target in (str(recording), str(other), f"{recording.parent}/./recording.wav"):
        with pytest.raises(FileError, match="never written to"):
            restore_file(str(recording), target, Chain())
    assert recording.read_bytes() == before


@pytest.mark.parametrize(
    ("target", "error", "words"),
    [
        ("o.doc", FileError, r"\.flac"),
        ("no/o.wav", FileError, "mkdir -p"),
        ("", FileError, "is a folder"),
    ],
)
def test_outputs_that_cannot_be_are_refused_before_the_work(
    recording: Path, target: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        restore_file(str(recording), str(recording.parent / target), Chain())


def test_headroom_that_the_format_cannot_hold_is_refused(recording: Path) -> None:
    target = recording.with_name("o.flac")
    with pytest.raises(SettingError, match="fit or limit"):
        restore_file(str(recording), str(target), Chain(policy="float"))


def test_what_is_lost_is_said(tmp_path: Path) -> None:
    source = loud(tmp_path / "x.wav")
    with sf.SoundFile(tmp_path / "tagged.wav", "w", 16000, 1, "FLOAT") as file:
        file.title, file.artist = "t", "a"
        file.write(load(source))
    data = (tmp_path / "tagged.wav").read_bytes()
    (tmp_path / "tagged.wav").write_bytes(data + b"cue \x04\0\0\0abcd")
    row = restore_file(
        str(tmp_path / "tagged.wav"), str(tmp_path / "o.w64"), Chain()
    ).row()
    assert row["lost"] == ["cue points", "tag artist", "tag title"]


def test_a_processor_that_fails_leaves_the_sound_dry_and_is_counted(
    recording: Path, clipped: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = registry.find
    monkeypatch.setattr(
        registry,
        "find",
        lambda name, group="processors": (
            dummy("raising") if name == "raising" else find(name, group)
        ),
    )
    target = recording.with_name("o.wav")
    row = restore_file(str(recording), str(target), Chain(processor="raising")).row()
    assert row["faults"] > 0
    assert row["fault_reasons"]
    np.testing.assert_array_equal(load(target), clipped)


def test_an_unknown_processor_is_refused_before_the_file_is_read() -> None:
    with pytest.raises(PluginError, match="cubic"):
        restore_file("no such file", "o.wav", Chain(processor="cubics"))


def test_pipes_in_and_out_carry_wav(tmp_path: Path, clipped: Samples) -> None:
    data = header_bytes(16000, 2) + clipped.tobytes()
    code = (
        "from rtdeclip.files.restore import restore_file\n"
        "from rtdeclip.files.chain import Chain\n"
        "restore_file('-', '-', Chain(level=(0.5, 0.5)))\n"
        "import sys; sys.stdout.flush()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=data, capture_output=True, check=True
    )
    (tmp_path / "o.wav").write_bytes(done.stdout)
    expected = declip(clipped, 16000, level=0.5)
    np.testing.assert_array_equal(load(tmp_path / "o.wav"), expected)


def test_pipes_can_be_fitted_too(tmp_path: Path) -> None:
    data = loud(tmp_path / "loud.wav").read_bytes()
    code = (
        "from rtdeclip.files.restore import restore_file\n"
        "from rtdeclip.files.chain import Chain\n"
        "restore_file('-', '-', Chain(level=(1.0, 1.0), policy='fit'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=data, capture_output=True, check=True
    )
    (tmp_path / "o.wav").write_bytes(done.stdout)
    # The gain is rounded down to a hundredth of a dB, so that it can be noted.
    peak_db = 20 * np.log10(np.abs(load(tmp_path / "o.wav")).max())
    assert -0.1101 < peak_db <= -0.0999


def test_a_pipe_is_detected_as_it_comes(tmp_path: Path, clipped: Samples) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    data = header_bytes(16000, 2, len(clipped)) + clipped.tobytes()
    writer = threading.Thread(target=fifo.write_bytes, args=(data,))
    writer.start()
    row = restore_file(str(fifo), str(tmp_path / "o.wav"), Chain()).row()
    writer.join()
    assert row["channels"] is None
    got = load(tmp_path / "o.wav")
    assert got.shape == clipped.shape
    assert np.abs(got).max() > 0.6


@pytest.mark.parametrize(
    ("chain", "target", "kept"),
    [
        (Chain("cubic"), "o.wav", "o.partial.wav"),
        (Chain("cubic", policy="limit"), "o.flac", "o.partial.flac"),
        (Chain("cubic"), "o.flac", "o.float.partial.wav"),
    ],
)
def test_ctrl_c_while_restoring_keeps_a_partial_file_named_as_such(
    recording: Path, monkeypatch: Any, chain: Chain, target: str, kept: str
) -> None:
    monkeypatch.setattr(restore_module, "BLOCK_SAMPLES", 4000)

    def stop(step: str, done_s: float, of_s: float | None) -> None:
        if step == "restore" and done_s >= 0.75:
            raise KeyboardInterrupt

    folder = recording.parent
    with pytest.raises(Interrupted) as caught:
        restore_file(str(recording), str(folder / target), chain, stop)
    assert caught.value.partial == folder / kept
    assert names_in(folder) == sorted([kept, "recording.wav"])
    assert 0 < sf.info(folder / kept).frames < 24_000


def test_ctrl_c_in_the_last_pass_keeps_what_was_written(
    recording: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(restore_module, "BLOCK_SAMPLES", 4000)

    def stop(step: str, done_s: float, of_s: float | None) -> None:
        if step == "write" and done_s >= 0.75:
            raise KeyboardInterrupt

    folder = recording.parent
    with pytest.raises(Interrupted):
        restore_file(str(recording), str(folder / "o.flac"), Chain("cubic"), stop)
    assert names_in(folder) == ["o.partial.flac", "recording.wav"]


def test_ctrl_c_while_scanning_leaves_nothing(recording: Path) -> None:
    def stop(step: str, done_s: float, of_s: float | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore_file(str(recording), str(recording.with_name("o.wav")), Chain(), stop)
    assert names_in(recording.parent) == ["recording.wav"]


# A test run in the background has SIGINT ignored, and children inherit that.
MAIN = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from rtdeclip.cli.main import main; main()"
)


def test_a_real_ctrl_c_ends_with_130_and_a_partial_file(tmp_path: Path) -> None:
    """The whole command, interrupted while it waits for its input pipe."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    command = subprocess.Popen(
        [sys.executable, "-c", MAIN, "file", fifo, tmp_path / "o.wav"],
        stderr=subprocess.PIPE,
        text=True,
    )
    with fifo.open("wb", buffering=0) as pipe:
        pipe.write(header_bytes(8000, 1))
        part = tmp_path / "o.wav.part"
        sound = np.zeros(restore_module.BLOCK_SAMPLES, np.float32).tobytes()
        deadline = time.monotonic() + 120
        while not (part.exists() and part.stat().st_size > 10_000):
            assert time.monotonic() < deadline
            assert command.poll() is None
            pipe.write(sound)
        command.send_signal(signal.SIGINT)
        _, said = command.communicate(timeout=120)
    assert command.returncode == 130
    assert "o.partial.wav" in said
    assert names_in(tmp_path) == ["fifo", "o.partial.wav"]
    assert sf.info(tmp_path / "o.partial.wav").frames > 0
