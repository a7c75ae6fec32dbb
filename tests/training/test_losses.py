"""Losses against their formulas on signals where the answer is known."""

import math

import pytest
import torch

from rtdeclip.training.losses import LOSSES


def signals():
    generator = torch.Generator().manual_seed(1)
    clean = torch.randn(3, 4000, generator=generator)
    return clean, clean.clamp(-0.8, 0.8)


@pytest.mark.parametrize("name", LOSSES)
def test_a_better_restoration_has_a_smaller_loss(name):
    clean, clipped = signals()
    half = 0.5 * (clean + clipped)
    assert LOSSES[name](half, clean, clipped) < LOSSES[name](clipped, clean, clipped)


@pytest.mark.parametrize("name", LOSSES)
def test_the_gradient_is_finite_at_a_perfect_restoration(name):
    clean, clipped = signals()
    x = clean.clone().requires_grad_()
    LOSSES[name](x, clean, clipped).backward()
    assert bool(torch.isfinite(x.grad).all())


def test_delta_sdr_counts_decibels_won():
    clean, clipped = signals()
    tenth = clean + 0.1 * (clipped - clean)
    assert LOSSES["delta_sdr"](tenth, clean, clipped) == pytest.approx(-20.0, abs=1e-3)
    assert LOSSES["delta_sdr"](clipped, clean, clipped) == pytest.approx(0.0, abs=1e-4)


def test_sdr_and_si_sdr_differ_by_the_gain():
    clean, clipped = signals()
    sdr = float(LOSSES["sdr"](0.5 * clean, clean, clipped))
    assert sdr == pytest.approx(20 * math.log10(0.5), abs=1e-3)
    assert LOSSES["si_sdr"](0.5 * clean, clean, clipped) < -60


def test_clipped_mse_sees_clipped_samples_only():
    clean, clipped = signals()
    wrong = torch.where(clipped == clean, 0.0, clean)
    assert LOSSES["clipped_mse"](wrong, clean, clipped) == 0
    assert LOSSES["mse"](wrong, clean, clipped) > 0.1
