"""Folders become pools, corpora keep their speakers together, levels are exact."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch

from rtdeclip.distortion import clip
from rtdeclip.errors import FileError, InputError
from rtdeclip.training import data
from rtdeclip.training.degrade import Degradation, clip_batch, degrade, shaped
from rtdeclip.training.estimates import all_estimated, prepare
from rtdeclip.training.layouts import group_of, is_clean, split
from rtdeclip.training.presets import PRESETS
from rtdeclip.training.run import fixed_items, split_files

HYBRID = replace(PRESETS["hybrid-speech-16k"], segment_samples=2048)


def tone(path, seconds=1.0, rate=16000, frequency=440.0, channels=1):
    """A sound file; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    t = np.arange(round(seconds * rate)) / rate
    x = 0.5 * np.sin(2 * np.pi * frequency * t)
    soundfile.write(path, np.stack([x] * channels, 1), rate)
    return path


def pool_of(x, rate=16000):
    return data.Pool((torch.as_tensor(x) * 32767).to(torch.int16), rate)


def noise(n, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return (0.3 * torch.randn(n, generator=generator)).clamp(-1, 1)


def test_files_of_any_rate_and_channels_become_one_pool(tmp_path):
    tone(tmp_path / "a.wav", 1.0)
    tone(tmp_path / "deep" / "b.flac", 1.0, 48000, channels=2)
    (tmp_path / "note.txt").write_text("no audio")
    paths = data.audio_files([tmp_path])
    assert [p.name for p in paths] == ["a.wav", "b.flac"]
    pool = data.load(paths, 16000)
    assert len(pool.samples) == 32000
    assert abs(float(pool.samples.float().abs().max()) / 32768 - 0.5) < 0.01


def test_another_speed_changes_length_and_pitch_together(tmp_path):
    path = tone(tmp_path / "a.wav", 1.0)
    pool = data.load([path], 16000, speeds=(1.0, 0.5))
    assert len(pool.samples) == 16000 + 32000
    slow = pool.samples[16000:].float().numpy()
    loudest = np.abs(np.fft.rfft(slow)).argmax() * 16000 / len(slow)
    assert loudest == pytest.approx(220, abs=1)


def test_the_cache_is_used_when_nothing_changed(tmp_path):
    path, cache = tone(tmp_path / "in" / "a.wav"), tmp_path / "cache"
    first = data.load([path], 16000, cache=cache)
    (kept,) = cache.iterdir()
    np.save(kept, np.full(5, 7, np.int16))
    assert data.load([path], 16000, cache=cache).samples.tolist() == [7] * 5
    tone(path, 2.0)
    assert len(data.load([path], 16000, cache=cache).samples) == 2 * len(first.samples)


def test_an_empty_folder_and_a_broken_file_are_named(tmp_path):
    with pytest.raises(FileError, match="holds no audio"):
        data.audio_files([tmp_path])
    broken = tmp_path / "a.wav"
    broken.write_bytes(b"nothing")
    with pytest.raises(FileError, match=r"a\.wav cannot be decoded"):
        data.load([broken], 16000)


def test_segments_are_seeded_and_loud_enough():
    x = torch.cat([torch.zeros(50_000), noise(20_000)])
    pool = pool_of(x)
    draws = [pool.draw(6, 500, torch.Generator().manual_seed(4)) for _ in range(2)]
    assert torch.equal(*draws)
    assert draws[0].shape == (6, 500)
    assert bool((draws[0].abs().amax(1) > data.QUIET).all())


def test_too_little_and_silent_audio_are_refused_in_words():
    with pytest.raises(InputError, match="one segment needs more than 500"):
        pool_of(noise(400)).draw(1, 500, torch.Generator())
    with pytest.raises(InputError, match="louder"):
        pool_of(torch.zeros(4000)).draw(1, 500, torch.Generator())


def test_batches_are_clipped_as_the_packages_own_clip_does():
    clean = noise(3000).reshape(1, -1)
    item = clip_batch(clean, torch.tensor([[0.4]]), torch.tensor([[0.25]]))
    ours = clip(clean[0].numpy(), 0.4, 0.25)
    assert np.array_equal(item.clipped[0].numpy(), ours.audio)
    assert np.array_equal(item.sign[0].numpy().astype(np.int8), ours.sign)
    assert float(item.theta.max()) == float(item.theta.min()) == np.float32(0.4)


def test_levels_stay_in_the_mixs_range_and_its_share_is_fixed():
    clean = noise(400 * 200).reshape(400, 200)
    plain = Degradation(uneven_share=0.0, tilt_share=0.0)
    x, high, low = shaped(clean, plain, torch.Generator().manual_seed(1))
    fraction = high / x.abs().amax(1, keepdim=True)
    assert 0.05 <= float(fraction.min()) <= float(fraction.max()) <= 0.9001
    fixed = (fraction - 0.2).abs() < 1e-6
    assert 0.2 < float(fixed.float().mean()) < 0.4
    assert torch.equal(high, low)
    assert torch.equal(x.abs(), clean.abs())


def test_uneven_tilted_and_summed_items_are_what_they_say():
    clean = noise(200 * 100).reshape(200, 100)

    def with_mix(**changes):
        mix = replace(Degradation(uneven_share=0, tilt_share=0), **changes)
        return shaped(clean, mix, torch.Generator().manual_seed(1))

    _, high, low = with_mix(uneven_share=1.0)
    ratio = low / high
    assert 10 ** (-3 / 20) <= float(ratio.min()) < float(ratio.max()) <= 1.0
    assert not torch.allclose(with_mix(tilt_share=1.0)[0].abs(), clean.abs())
    assert not torch.allclose(with_mix(sum_share=1.0)[0].abs(), clean.abs())


def test_the_same_seed_degrades_the_same_way():
    clean = noise(8 * 500).reshape(8, 500)
    first, second = (
        degrade(clean, Degradation(), torch.Generator().manual_seed(s)) for s in (3, 3)
    )
    assert torch.equal(first.clipped, second.clipped)
    other = degrade(clean, Degradation(), torch.Generator().manual_seed(4))
    assert not torch.equal(first.clipped, other.clipped)


def test_prepared_estimates_are_nearer_to_the_truth_than_the_clipped_sound():
    t = torch.arange(16000) / 16000
    pool = pool_of(0.4 * torch.sin(2800 * t) + 0.4 * torch.sin(1700 * t))
    prepared = prepare(pool, HYBRID, 12)
    item = prepared.draw(12, torch.Generator().manual_seed(0))
    assert item.clean.shape == item.estimate.shape == (12, 2048)
    lost = ((item.clipped - item.clean) ** 2).sum(1)
    left = ((item.estimate - item.clean) ** 2).sum(1)
    assert float((left / lost).median()) < 0.3
    reliable = item.sign == 0
    error = (item.estimate - item.clipped)[reliable].abs().max()
    assert float(error) < 3e-4  # 16 bits with 12 dB of room


def test_prepared_levels_turn_with_the_polarity():
    plan = replace(HYBRID, mix=replace(HYBRID.mix, uneven_share=1.0))
    prepared = prepare(pool_of(noise(8000)), plan, 4)
    item = prepared.draw(64, torch.Generator().manual_seed(0))
    peaks = torch.stack([item.clipped.amax(1), -item.clipped.amin(1)], 1)
    known = torch.cat([prepared.levels, prepared.levels.flip(1)])
    distance = (peaks[:, None] - known[None]).abs().amax(2).amin(1)
    assert float(distance.max()) < 1e-6
    assert len({round(float(p), 5) for p in peaks[:, 0]}) > 4


def test_validation_items_cover_levels_and_windows(tmp_path):
    path = tone(tmp_path / "a.wav", 0.3)
    found = fixed_items(PRESETS["demucs-speech-16k"], [path])
    assert list(found) == ["0.1", "0.2", "0.3", "0.5", "0.7"]
    found = fixed_items(PRESETS["hybrid-speech-16k"], [path])
    assert "0.2_16ms" in found
    assert "0.2_32ms" in found
    item = found["0.2_32ms"][0]
    again = all_estimated([item], HYBRID, 32.0)[0]
    assert torch.equal(item.estimate, again.estimate)


MINIATURES = {
    "LibriSpeech/dev-clean/84/121123/84-121123-0000.flac": "LibriSpeech 84",
    "VCTK/wav48/p225/p225_001_mic1.flac": "VCTK p225",
    "gtzan/genres/blues/blues.00012.wav": "GTZAN blues.00012",
    "GuitarSet/audio/03_BN2-166-Ab_comp_mic.wav": "GuitarSet 03",
    "musdb18hq/train/Some Artist - A Song/mixture.wav": "MUSDB some artist - a song",
    "musicnet/train_data/1727.wav": "MusicNet 1727",
    "SignalTrain/Train/input_138_.wav": "SignalTrain 138",
    "IDMT/Gitarre monophon/Samples/NoFX/G61-40100-1111-20593.wav": (
        "IDMT-SMT-Audio-Effects g61"
    ),
    "FARSDAT/S012/u33.wav": "FARSDAT s012",
}
UNFIT = (
    "musdb18hq/train/Some Artist - A Song/vocals.wav",
    "SignalTrain/Train/target_138_LA2A_2c__0__0.wav",
    "IDMT/Gitarre monophon/Samples/Distortion/G61-40100-4411-20593.wav",
)


def test_the_corpora_are_recognised_in_miniature(tmp_path):
    for name in (*MINIATURES, *UNFIT, "own/take 1.wav"):
        tone(tmp_path / name, 0.05)
    paths = data.audio_files([tmp_path])
    assert len(paths) == len(MINIATURES) + len(UNFIT) + 1
    for name, group in MINIATURES.items():
        assert group_of(tmp_path / name) == group
        assert is_clean(tmp_path / name)
    assert not any(is_clean(tmp_path / name) for name in UNFIT)
    assert is_clean(tmp_path / "own/take 1.wav")
    train, held = split_files([tmp_path], [], 0.2)
    assert len(train) + len(held) == len(MINIATURES) + 1


def test_a_speaker_is_never_on_both_sides():
    paths = [
        data.Path(f"x/{reader}-1-{k:04d}.flac")
        for reader in (11, 22, 33, 44, 55)
        for k in range(6)
    ]
    train, held = split(paths, 0.2)
    assert len(held) == 6
    assert not {group_of(p) for p in train} & {group_of(p) for p in held}
    assert split(list(reversed(paths)), 0.2)[1] == list(reversed(held))
    assert split(paths, 0.0) == (paths, [])
    assert len(split(paths, 0.001)[1]) == 6


def test_a_named_validation_folder_leaves_all_else_to_training(tmp_path):
    for name in ("train/a.wav", "train/b.wav", "held/c.wav"):
        tone(tmp_path / name, 0.05)
    train, held = split_files([tmp_path / "train"], [tmp_path / "held"], 0.5)
    assert [p.name for p in train] == ["a.wav", "b.wav"]
    assert [p.name for p in held] == ["c.wav"]
