"""Words that are paid for once: against a plain search, and by many threads at once."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from stages.enrich.once import KnownWords, Once, Words
from stages.enrich.similar import DISTANCE

BASES = (0, 0xFFFF_0000_FFFF_0000, 0x0F0F_0F0F_F0F0_F0F0)
looks = st.one_of(
    st.none(),
    st.builds(
        lambda base, bits: f"{base ^ sum(1 << bit for bit in set(bits)):016x}",
        st.sampled_from(BASES),
        st.lists(st.integers(0, 63), max_size=9),
    ),
)
files = st.lists(st.tuples(st.integers(0, 12), looks), max_size=600)


@given(files, st.integers(0, 5))
def test_a_file_is_asked_about_where_no_like_of_it_was(asked: list[tuple[int, str | None]], known: int) -> None:
    before = {f"s{sha}": look for sha, look in reversed(asked[:known])}
    once = Once(KnownWords(sha, look, Words(sha, "model")) for sha, look in before.items())
    contents = set(before)
    leaders = [int(look, 16) for look in before.values() if look is not None]
    for sha, look in ((f"s{number}", look) for number, look in asked):
        near = look is not None and any((int(look, 16) ^ other).bit_count() <= DISTANCE for other in leaders)
        found, mine = once.take(sha, look)
        assert mine is not (sha in contents or near)
        if mine:
            assert isinstance(found, Future)
            found.set_result(Words(sha, "model"))
            if look is not None:
                leaders.append(int(look, 16))
        contents.add(sha)


def test_many_threads_that_ask_about_one_file_ask_once() -> None:
    once = Once()
    begin = threading.Barrier(8)

    def take(_: int) -> bool:
        begin.wait()
        return sum(once.take(f"s{number}", None)[1] for number in range(500))

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(8))) == 500


def test_who_waits_may_give_up_and_takes_it_from_nobody_else() -> None:
    once = Once()
    asked, _ = once.take("s", None)
    assert isinstance(asked, Future)
    assert asked.cancel() is False
    asked.set_result(None)
    assert once.take("s", None) == (asked, False)
