"""Slices of one export give the chat's own order, whatever the order in which they come and however times tie."""

from hypothesis import given, settings
from hypothesis import strategies as st

from stages.archive.store import Archive
from tests.stages.archive.rows import Row, empty, look, merge_rows

Told = tuple[int, str]  # minute, message id


def stored_after(archive: Archive, exports: list[list[Told]]) -> tuple[list[Told], int]:
    """The archive's messages after the exports were merged one by one, and how many guesses are left."""
    empty(archive)
    for rows in exports:
        merge_rows(archive, messages(rows))
    stored = look(archive).rows
    assert [row.place for row in stored] == list(range(len(stored)))
    return [(row.minute, row.id) for row in stored], archive.count("tie_breaks")


def messages(rows: list[Told]) -> list[Row]:
    return [Row(place, name, 60 * minute, text=f"text of {name}") for place, (minute, name) in enumerate(rows)]


@st.composite
def connected_slices(draw: st.DrawFn) -> tuple[list[Told], list[list[Told]]]:
    """A chat with many ties, and slices in any order of which neighbours share a message."""
    minutes = sorted(draw(st.lists(st.integers(0, 2), min_size=2, max_size=14)))
    chat = [(minute, f"{number:032x}") for number, minute in enumerate(minutes)]
    slices = []
    low = high = 0
    while True:
        high = len(chat) - draw(st.integers(0, len(chat) - high - 1))
        slices.append(chat[low:high])
        if high == len(chat):
            break
        low = draw(st.integers(low, high - 1))
    extra = draw(st.lists(st.tuples(st.integers(0, len(chat)), st.integers(0, len(chat))).map(sorted), max_size=3))
    slices += [chat[low:high] for low, high in extra if low < high]
    return chat, draw(st.permutations(slices))


@settings(max_examples=25, deadline=None)
@given(connected_slices())
def test_slices_in_any_order_give_the_chat(shared_archive: Archive, case: tuple[list[Told], list[list[Told]]]) -> None:
    chat, slices = case
    stored, guesses = stored_after(shared_archive, slices)
    assert stored == chat
    assert guesses == 0


@st.composite
def scattered_slices(draw: st.DrawFn) -> tuple[list[Told], list[list[Told]]]:
    """A chat with ties, and slices that need not meet."""
    minutes = sorted(draw(st.lists(st.integers(0, 4), min_size=2, max_size=14)))
    chat = [(minute, f"{number:032x}") for number, minute in enumerate(minutes)]
    cuts = (
        st.tuples(st.integers(0, len(chat)), st.integers(0, len(chat))).map(sorted).filter(lambda cut: cut[0] < cut[1])
    )
    return chat, [chat[low:high] for low, high in draw(st.lists(cuts, min_size=1, max_size=5))]


@settings(max_examples=10, deadline=None)
@given(scattered_slices())
def test_slices_that_do_not_meet_lose_nothing_and_keep_their_orders(
    shared_archive: Archive, case: tuple[list[Told], list[list[Told]]]
) -> None:
    _chat, slices = case
    stored, _ = stored_after(shared_archive, slices)
    assert sorted(stored) == sorted({row for rows in slices for row in rows})
    assert [minute for minute, _ in stored] == sorted(minute for minute, _ in stored)
    place = {identity: position for position, (_, identity) in enumerate(stored)}
    for rows in slices:
        assert [place[identity] for _, identity in rows] == sorted(place[identity] for _, identity in rows)


@settings(max_examples=10, deadline=None)
@given(scattered_slices(), st.data())
def test_two_slices_that_go_beyond_the_moment_that_they_share_are_in_order_at_once(
    shared_archive: Archive, case: tuple[list[Told], list[list[Told]]], data: st.DataObject
) -> None:
    chat, _ = case
    at = data.draw(st.integers(1, len(chat) - 1))
    before, after = chat[:at], chat[at:]
    if before[0][0] < before[-1][0] and after[0][0] < after[-1][0]:
        assert stored_after(shared_archive, [before, after])[0] == chat
        assert stored_after(shared_archive, [after, before])[0] == chat


def test_a_slice_that_holds_no_new_message_tells_which_of_two_were_first(shared_archive: Archive) -> None:
    chat = [(0, f"{number:032x}") for number in range(4)]
    stored, guesses = stored_after(shared_archive, [chat[2:], chat[:2]])
    assert sorted(stored) == chat
    assert guesses == 1
    assert stored_after(shared_archive, [chat[2:], chat[:2], chat[1:3]]) == (chat, 0)


def test_what_stands_before_the_first_new_message_is_not_written_again(shared_archive: Archive) -> None:
    archive = shared_archive
    chat = [(number, f"{number:032x}") for number in range(50)]
    stored_after(shared_archive, [chat[:40]])
    early = "SELECT rowid, seq FROM messages WHERE seq < 30 ORDER BY rowid"
    before = archive.cursor().execute(early).fetchall()
    late = [*chat[25:40], (39, "a" * 32), *chat[40:]]
    merge_rows(archive, messages(late))
    assert archive.cursor().execute(early).fetchall() == before
    assert archive.cursor().execute("SELECT message_id FROM messages ORDER BY seq").fetchall()[40] == ("a" * 32,)
