"""The bench of the banner measures what it says, in short. How much it finds is no matter here."""

from lab.bench import banner


async def test_every_change_and_every_cut_is_seen_on_the_page() -> None:
    shown = await banner.measure(changes=3, cuts=2)
    assert (len(shown.changes), len(shown.returns), len(shown.cuts)) == (3, 2, 2)
    assert "| 3 " in banner.section(shown)
