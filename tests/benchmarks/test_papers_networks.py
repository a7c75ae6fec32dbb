"""A table says how its networks were trained, in the words of their cards."""

from dataclasses import replace

from rtdeclip.benchmarks.papers import PAPERS
from rtdeclip.benchmarks.papers.describe import System
from rtdeclip.benchmarks.papers.material import networks
from rtdeclip.processors.model_card import find_card


def test_networks_of_a_table_are_told_with_size_time_data_and_seed():
    table = replace(PAPERS["0"][0], systems=(System("DEMUCS", "demucs-paper"),))
    training = find_card("demucs-paper").training
    (line,) = networks(table)
    assert line.endswith(
        f": demucs-paper {training['parameters'] / 1e6:.2f} M, "
        f"{training['minutes']:g} min, {training['audio_h']:g} h, {training['seed']}."
    )


def test_a_table_without_networks_says_nothing_of_them():
    table = replace(PAPERS["0"][0], systems=(System("Cubic", "cubic"),))
    assert networks(table) == []


def test_raw_and_consistent_rows_of_a_network_stand_beside_each_other():
    rows = [s for s in PAPERS["0"][0].systems if s.processor == "demucs-paper"]
    assert [row.consistency for row in rows] == [False, True]
    assert [bool(row.published) for row in rows] == [True, False]
