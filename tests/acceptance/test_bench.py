"""The bench measures what it says, in short. How much it finds is no matter here."""

import socket
from pathlib import Path

from lab.bench import alone, keeping
from lab.bench.load import Way, configure, dialplan, run
from lab.bench.sipp import Load, Outcome
from lab.pbx import AGENTS_ADDRESS, PbxOptions
from lab.ports import free_port
from lab.world import World


def test_a_run_counts_its_calls_their_cost_and_every_pause(tmp_path: Path) -> None:
    agents_port = free_port(socket.SOCK_DGRAM, AGENTS_ADDRESS)
    options = PbxOptions(dialplan=dialplan(agents_port))
    with World.running(configure, options=options, daemon=False) as world:
        done = run(world, Way.OURS, Load(calls=3, seconds=5, rate=3), agents_port=agents_port, folder=tmp_path)
    assert done.calls == Outcome(successful=3, failed=0, agents_successful=3, agents_failed=0)
    assert min(done.cpu.asterisk_s, done.cpu.daemon_s) > 0
    told = done.latencies
    assert told is not None
    assert (len(told.confirmations), len(told.starts)) == (3, 3)
    # Where the kernel lets nobody capture, the run says so and the audio cannot be told.
    assert (len(told.pauses), told.unread) == ((0, 3) if done.why_not else (3, 0))


def test_the_daemon_alone_completes_every_call_and_hears_every_event() -> None:
    told = alone.measure(calls=20, live=200)
    assert told.completed.calls == 20
    assert told.completed.a_second > 0
    # 14 events for each call, and the ends of those that warmed it up
    assert (told.replayed.calls, told.replayed.events) == (200, 14 * 200 + 7 * 100)
    assert told.replayed.events_a_second > 0


def test_a_recording_is_kept_and_its_cost_is_told() -> None:
    told = keeping.measure(hours=0.01)
    assert told.seconds == 36
    assert [step.cpu_s > 0 for step in told.steps] == [True, True]
