"""Overload is answered at once and forgotten slowly."""

from itertools import pairwise

from rtdeclip.live.pressure import LONGEST_WAIT_S, PATIENCE_S, WAIT_S, Pressure

TICK = 0.04


def drive(pressure, seconds, start=0.0, late=lambda t: 0, load=0.1):
    """Answers that are not 0, with their times."""
    out = []
    for number in range(round(seconds / TICK)):
        now = start + number * TICK
        answer = pressure.judge(now, late(now), load)
        if answer:
            out.append((round(now, 2), answer))
    return out


def test_a_late_hop_eases_at_once_and_then_with_patience():
    answers = drive(Pressure(), 1.0, late=lambda t: int(t / TICK) + 1)
    assert answers[0] == (0.0, -1)
    gaps = [b - a for (a, _), (b, _) in pairwise(answers)]
    assert all(gap >= PATIENCE_S for gap in gaps)
    assert {answer for _, answer in answers} == {-1}


def test_a_busy_worker_eases_before_a_hop_is_late():
    answers = drive(Pressure(), 1.0, load=1.2)
    assert 0 < answers[0][0] < 0.5
    assert answers[0][1] == -1


def test_quiet_seconds_recover_one_step_each():
    answers = drive(Pressure(), 3.5 * WAIT_S)
    assert [answer for _, answer in answers] == [1, 1, 1]
    assert drive(Pressure(), 3.5 * WAIT_S, load=0.7) == []


def test_a_recovery_that_fails_waits_twice_as_long():
    pressure, now, waits = Pressure(), 0.0, []
    for count in range(1, 9):
        drive(pressure, TICK, now, late=lambda t, n=count: n)
        answers = drive(
            pressure, 2 * LONGEST_WAIT_S, now + TICK, late=lambda t, n=count: n
        )
        waits.append(answers[0][0] - now)
        now = answers[0][0] + 1.0
        pressure.judge(now, count, 0.1)
    assert all(later >= 0.9 * first for first, later in pairwise(waits))
    assert waits[3] > 3 * waits[0]
    assert max(waits) <= LONGEST_WAIT_S + 2


def test_one_good_rest_does_not_count_old_late_hops_again():
    pressure = Pressure()
    drive(pressure, TICK, late=lambda t: 5)
    assert drive(pressure, 5.0, start=1.0, late=lambda t: 5) == []
