"""Small runs of the bars of `tests.process.links`; the full ones are commands."""

from pathlib import Path

from tests.process.links import caps, hostile, outage


def test_a_hostile_carrier_loses_and_hides_nothing(tmp_path: Path) -> None:
    seen = hostile(tmp_path, 400, per_second=200, drop_after=100)
    assert seen.is_good, seen
    assert seen.accepted == 400


def test_in_an_outage_all_arrive_by_the_other_way_once(tmp_path: Path) -> None:
    moved = outage(tmp_path, 400)
    assert moved.is_good, moved
    assert moved.by_second >= moved.otps


def test_a_cap_holds_in_every_second_at_the_message_centre(tmp_path: Path) -> None:
    """On a machine that does much else, what was sent in time may be read late, in a heap: a cap that does not hold
    would fail every time."""
    tries = []
    while len(tries) < 3 and not (tries and tries[-1].is_good):
        folder = tmp_path / str(len(tries))
        folder.mkdir()
        tries.append(caps(folder, 300, cap=60))
    assert tries[-1].is_good, tries
