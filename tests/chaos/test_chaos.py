"""What the rounds of ``make chaos`` are made of."""

import itertools

import pytest

from lab.chaos.plan import FAULTS_IN_A_ROUND, Fault, planned


def test_a_round_is_the_same_again_for_the_same_seed() -> None:
    assert planned(7, 3) == planned(7, 3)
    assert planned(7, 3) != planned(8, 3)
    assert planned(7, 3) != planned(7, 4)


@pytest.mark.parametrize("fault", Fault)
def test_every_fault_comes_in_a_long_run(fault: Fault) -> None:
    assert any(blow.fault is fault for number in range(60) for blow in planned(1, number).blows)


def test_faults_follow_one_another() -> None:
    for number in range(60):
        blows = planned(1, number).blows
        assert 1 <= len(blows) <= FAULTS_IN_A_ROUND
        for one, next_one in itertools.pairwise(blows):
            assert one.after_s + one.lasts_s < next_one.after_s
