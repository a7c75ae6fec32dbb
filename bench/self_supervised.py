"""Self-supervised declipping of made-up vectors: ``python -m bench.self_supervised``.

The synthetic study of Sechaud et al.: vectors of a random d-dimensional subspace of
R^100, scaled so that a share v is clipped at 1; a small network without biases learns
from clipped vectors alone (``nets.equivariant_u_net``'s two losses) and
is scored on others of the same subspace. It writes what the tables 3-map and 3-gmax
of ``rtdeclip bench papers --paper 3`` print. About two minutes of a core.
"""

import argparse
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor, nn

from rtdeclip.benchmarks import machine
from rtdeclip.benchmarks.papers.paper3 import DIMENSIONS, G_MAX, LENGTH, SAVED, SHARES
from rtdeclip.benchmarks.papers.paper3 import vectors as drawn
from rtdeclip.training.nets.equivariant_u_net import measurement

G_MIN, BEST_G_MAX = 0.5, 1.5
N_TRAIN, N_TEST, BATCH, RATE, HIDDEN = 1000, 500, 128, 1e-3, 256


class Mlp(nn.Module):
    """A perceptron of two layers and a linear skip, without biases.

    With y itself as the skip and the mask as input, self-supervision stays at y: how
    many entries are clipped then tells the network whether to do anything.
    """

    def __init__(self) -> None:
        super().__init__()
        self.skip = nn.Linear(LENGTH, LENGTH, bias=False)
        self.layers = nn.Sequential(
            nn.Linear(LENGTH, HIDDEN, bias=False),
            nn.ReLU(),
            nn.Linear(HIDDEN, HIDDEN, bias=False),
            nn.ReLU(),
            nn.Linear(HIDDEN, LENGTH, bias=False),
        )

    def forward(self, y: Tensor) -> Tensor:
        """``(B, 100)`` clipped at 1, restored."""
        out: Tensor = self.skip(y) + self.layers(y)
        return out


def study(
    dimension: int, share: float, g_max: float, steps: int, supervised: bool, seed: int
) -> float:
    """Mean SDR in dB over the test vectors after one training."""
    torch.manual_seed(seed)
    both = drawn(dimension, share, N_TRAIN + N_TEST).astype(np.float32)
    whole = torch.from_numpy(both)
    train, test = whole[:N_TRAIN], whole[N_TRAIN:]
    net, generator = Mlp(), Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(net.parameters(), RATE)
    pace = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        x = train[torch.randint(N_TRAIN, (BATCH,), generator=generator)]
        optimiser.zero_grad()
        loss = _loss(net, x, g_max, generator, supervised)
        torch.autograd.backward(loss)
        optimiser.step()
        pace.step()
    with torch.no_grad():
        error = (net(test.clamp(-1, 1)) - test).square().sum(1)
    return float((10 * torch.log10(test.square().sum(1) / error)).mean())


def _loss(
    net: Mlp, x: Tensor, g_max: float, generator: Generator, supervised: bool
) -> Tensor:
    y = x.clamp(-1.0, 1.0)
    first = net(y)
    if supervised:
        return (first - x).square().mean()
    sign = torch.sign(y) * (y.abs() >= 1.0)
    g = G_MIN + (g_max - G_MIN) * torch.rand(len(x), 1, generator=generator)
    louder = g * first.detach()  # else x₂ shrinks: see the network
    second = net(louder.clamp(-1.0, 1.0))
    contradicted = measurement(first, y, sign, torch.ones_like(y))
    return (contradicted + (louder - second).square()).mean()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--dimensions", type=int, nargs="*", default=DIMENSIONS, help="rows of 3-map"
    )
    parser.add_argument("--out", type=Path, default=SAVED)
    given = parser.parse_args()
    torch.set_num_threads(1)
    start = time.process_time()

    def row(d: int, supervised: bool) -> list[float]:
        made = (
            study(d, v, BEST_G_MAX, given.steps, supervised, given.seed) for v in SHARES
        )
        return [round(value, 2) for value in made]

    found: dict[str, Any] = {"map": {}, "supervised": {}, "g_max": []}
    for d in given.dimensions:
        found["map"][str(d)] = row(d, False)
        found["supervised"][str(d)] = row(d, True)
        print(d, found["map"][str(d)], found["supervised"][str(d)], flush=True)
    for g_max in G_MAX:
        value = study(10, 0.3, g_max, given.steps, False, given.seed)
        found["g_max"].append(round(value, 2))
    print("g_max", found["g_max"])
    facts = machine.describe()
    found |= {
        "date": datetime.now(UTC).date().isoformat(),
        "steps": given.steps,
        "seed": given.seed,
        "cpu_min": round((time.process_time() - start) / 60, 1),
        "commit": facts["commit"],
        "torch": torch.__version__,
    }
    given.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
