"""Segments with estimates, made by a second process while the training runs.

They come in shards, kept in a folder, so that a training that is resumed or repeated
finds them. The number of a step alone says from how many shards it draws: one more
each time the latest was drawn ``USES`` times over. So the draws are the same however
fast the shards come; where one is not there yet, the training waits for it. Few
segments drawn often are learned by heart: an hour of speech within minutes.
"""

import hashlib
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import torch
from torch import Generator

from rtdeclip.training.data import Pool
from rtdeclip.training.degrade import Item
from rtdeclip.training.estimates import DRAWN, Prepared, prepare
from rtdeclip.training.fit import Plan

SHARD = 8 * DRAWN  # segments
USES = 6
POLL_S = 0.2
NICE = 10  # the training goes first


class Beside:
    """Where the batches of a network with estimates come from.

    Args:
        plan: of the training.
        pool: clean audio, on the CPU.
        count: segments in all, rounded up to shards.
        folder: a cache; shards of this plan and pool have a folder of their own in it.
        tell: told once what is there and what is to come.
    """

    def __init__(
        self,
        plan: Plan,
        pool: Pool,
        count: int,
        folder: Path,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._plan, self._pool = plan, pool
        self._folder = folder / _key(plan, pool)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._total = -(-count // SHARD)
        self._loaded: list[Prepared] = []
        missing = [k for k in range(self._total) if not _path(self._folder, k).exists()]
        tell(
            f"estimates: {self._total - len(missing)} of {self._total} shards are in "
            f"{self._folder}, the others are made beside the training"
        )
        self._helper = multiprocessing.get_context("spawn").Process(
            target=_help, args=(self._folder, plan, pool, missing), daemon=True
        )
        if missing:
            self._helper.start()

    def __call__(self, generator: Generator, step: int) -> Item:
        """The batch of one step; waits until its shards are there."""
        drawn = step * self._plan.batch
        wanted = min(self._total, 1 + drawn // (SHARD * USES))
        while len(self._loaded) < wanted:
            self._loaded.append(self._shard(len(self._loaded)))
        batch = self._plan.batch
        chosen = torch.randint(wanted * SHARD, (batch,), generator=generator)
        rows = [self._loaded[k // SHARD].rows([k % SHARD]) for k in chosen.tolist()]
        return Prepared.joined(rows).turned(generator)

    def _shard(self, number: int) -> Prepared:
        path = _path(self._folder, number)
        while not path.exists():
            if not self._helper.is_alive():  # killed, for want of memory perhaps
                _fill(self._folder, self._plan, self._pool, [number])
            time.sleep(POLL_S)
        # A map: what is not drawn needs no memory.
        kept = torch.from_numpy(np.load(path, mmap_mode="c"))
        levels = torch.from_numpy(np.load(path.with_suffix(".levels.npy")))
        lines = iter(kept)
        return Prepared(
            next(lines),
            next(lines) if self._plan.estimate else None,
            levels,
            next(lines) if self._plan.partner else None,
        )


def _help(folder: Path, plan: Plan, pool: Pool, numbers: Sequence[int]) -> None:
    """The second process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the training ends it
    os.nice(NICE)
    torch.set_num_threads(1)
    _fill(folder, plan, pool, numbers)


def _fill(folder: Path, plan: Plan, pool: Pool, numbers: Sequence[int]) -> None:
    """Makes these shards."""
    for number in numbers:
        path = _path(folder, number)
        part = path.with_suffix(f".{os.getpid()}")
        own_seed = 1 + plan.seed + 1_000_003 * number
        made = prepare(pool, replace(plan, seed=own_seed), SHARD)
        lines = (made.clean, made.estimate, made.partner)
        np.save(path.with_suffix(".levels.npy"), made.levels.numpy())
        with part.open("wb") as file:
            np.save(file, torch.stack([x for x in lines if x is not None]).numpy())
        part.replace(path)


def _path(folder: Path, number: int) -> Path:
    return folder / f"{number:05}.npy"


def _key(plan: Plan, pool: Pool) -> str:
    """All that the segments depend on, in a short word."""
    seen = hashlib.sha256(pool.samples[::4093].numpy().tobytes())
    decides = (
        plan.sample_rate,
        plan.shape,
        astuple(plan.mix),
        plan.segment_samples,
        plan.seed,
        plan.estimator,
        plan.windows_ms,
        len(pool.samples),
    )
    seen.update(repr(decides).encode())
    return f"{plan.name}-{seen.hexdigest()[:12]}"
