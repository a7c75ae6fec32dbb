"""The test kit accepts what keeps the contract and names what breaks it."""

import numpy as np
import pytest

from rtdeclip.errors import PluginError
from rtdeclip.stream.processor import Method
from rtdeclip.stream.registry import find
from rtdeclip.testing import check_processor, dummy


def test_bypass_keeps_the_contract():
    check_processor(find("bypass"))


@pytest.mark.parametrize("hop", [1, 64, 200])
@pytest.mark.parametrize("latency", [0, 1, 63, 64, 500])
def test_a_delayed_identity_keeps_the_contract(hop, latency):
    check_processor(dummy("identity", hop, latency), n_channels=1)


def test_a_joint_processor_keeps_the_contract():
    check_processor(dummy("joint", 64, 96), n_channels=3)


@pytest.mark.parametrize("kind", ["raising", "not-finite", "too-loud"])
def test_a_processor_that_fails_is_named(kind):
    with pytest.raises(AssertionError, match="makes the processor fail"):
        check_processor(dummy(kind))


class Forgetful:
    """Breaks one promise of the contract, chosen by ``fault``."""

    latency_samples = 0

    def __init__(self, fault):
        self.hop = 32
        self.fault = fault
        self.count = 0

    def process(self, block, clip):
        self.count += 1
        if self.fault == "writes":
            block[:] = 0
        if self.fault == "hop":
            self.hop += 1
        if self.fault == "shape":
            return block[:-1]
        if self.fault == "dtype":
            return block.astype(np.float64)
        if self.fault == "memory":
            return block + np.float32(1e-3 * self.count) * clip.sign
        return block

    def reset(self):
        pass


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("writes", "wrote to its input"),
        ("hop", "changed while running"),
        ("shape", "returned"),
        ("dtype", "returned float64"),
        ("memory", "after reset"),
    ],
)
def test_each_broken_promise_is_named(fault, words):
    method = Method("forgetful", "breaks a promise", lambda rate: Forgetful(fault))
    with pytest.raises(AssertionError, match=words):
        check_processor(method)


def test_an_impossible_hop_is_refused_by_the_host():
    method = Method("no-hop", "hop 0", lambda rate: find("bypass").build(rate, hop=0))
    made = method.build(48000)
    made.hop = 0
    broken = Method("no-hop", "hop 0", lambda rate: made)
    with pytest.raises(PluginError, match="hop must be"):
        check_processor(broken)
