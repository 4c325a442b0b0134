"""What counts as a candidate, as people write it."""

# ruff: noqa: E501 - the tables read best with a case a line

from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stages.enrich.candidates import CANDIDATES, MENTIONS, find_candidates, find_mentions

Chat = Callable[..., pa.Table]


def values(table: pa.Table) -> list[str]:
    return find_candidates(table)["value"].to_pylist()


WRITTEN = {
    "plain": ("see https://example.com/a now", ["https://example.com/a"]),
    "host alone": ("https://example.com", ["https://example.com"]),
    "http, port, query, fragment": ("http://example.com:8080/a?b=c&d=e#f", ["http://example.com:8080/a?b=c&d=e#f"]),
    "no dot in the host": ("http://localhost:8080/x", ["http://localhost:8080/x"]),
    "addresses": ("http://192.168.0.1/a http://[::1]:80/b", ["http://192.168.0.1/a", "http://[::1]:80/b"]),
    "any case": ("HTTPS://Example.COM/Path", ["HTTPS://Example.COM/Path"]),
    "bare www": ("www.example.com and WWW.Example.org/a", ["www.example.com", "WWW.Example.org/a"]),
    "www with port": ("www.example.com:81/a", ["www.example.com:81/a"]),
    "full stop": ("It is at https://example.com/a.", ["https://example.com/a"]),
    "host and full stop": ("It is at https://example.com.", ["https://example.com"]),
    "several marks": ("Really https://example.com/a?!...", ["https://example.com/a"]),
    "quotes": ("\"https://example.com/a\" 'https://example.com/b'", ["https://example.com/a", "https://example.com/b"]),
    "typographic quotes": ("“https://example.com/a” «https://example.com/b» „https://example.com/c“",
                           ["https://example.com/a", "https://example.com/b", "https://example.com/c"]),
    "round brackets": ("(https://example.com/a)", ["https://example.com/a"]),
    "brackets and stop": ("(see https://example.com/a).", ["https://example.com/a"]),
    "its own brackets": ("https://en.wikipedia.org/wiki/A_(b)", ["https://en.wikipedia.org/wiki/A_(b)"]),
    "its own, then a comma": ("https://en.wikipedia.org/wiki/A_(b), yes", ["https://en.wikipedia.org/wiki/A_(b)"]),
    "its own inside others": ("(https://en.wikipedia.org/wiki/A_(b))", ["https://en.wikipedia.org/wiki/A_(b)"]),
    "its own, nested": ("https://e.org/A_(b_(c))_d)", ["https://e.org/A_(b_(c))_d"]),
    "its own, never closed": ("https://e.org/A_(b", ["https://e.org/A_(b"]),
    "square brackets": ("[https://example.com/a]", ["https://example.com/a"]),
    "query with square brackets": ("https://example.com/a?b[]=1&c[d]=2", ["https://example.com/a?b[]=1&c[d]=2"]),
    "curly brackets": ("{https://example.com/a}", ["https://example.com/a"]),
    "angle brackets": ("<https://example.com/a>", ["https://example.com/a"]),
    "full-width brackets": ("（https://example.com/a）【https://example.com/b】",
                            ["https://example.com/a", "https://example.com/b"]),
    "markdown": ("[text](https://example.com/a) ![x](https://example.com/b)",
                 ["https://example.com/a", "https://example.com/b"]),
    "markdown, side by side": ("[a](https://example.com/a)[b](https://example.com/b)",
                               ["https://example.com/a", "https://example.com/b"]),
    "markdown of itself": ("[https://example.com/a](https://example.com/b)",
                           ["https://example.com/a", "https://example.com/b"]),
    "html": ('<a href="https://example.com/a">b</a>', ["https://example.com/a"]),
    "bold": ("**https://example.com/a** *https://example.com/b*", ["https://example.com/a", "https://example.com/b"]),
    "bold host": ("*https://example.com*", ["https://example.com"]),
    "italics": ("_https://example.com/a_ _www.example.com/b_", ["https://example.com/a", "www.example.com/b"]),
    "struck out": ("~https://example.com/a~", ["https://example.com/a"]),
    "code": ("`https://example.com/a`", ["https://example.com/a"]),
    "an underscore of its own": ("https://youtu.be/abc_ https://youtu.be/abc-", ["https://youtu.be/abc-",
                                                                                 "https://youtu.be/abc_"]),
    "several": ("https://a.example/1 https://b.example/2\nhttps://c.example/3",
                ["https://a.example/1", "https://b.example/2", "https://c.example/3"]),
    "several, commas between": ("https://a.example/1,https://b.example/2;www.c.example/3",
                                ["https://a.example/1", "https://b.example/2", "www.c.example/3"]),
    "several, bars between": ("https://a.example/1|https://b.example/2", ["https://a.example/1", "https://b.example/2"]),
    "commas of its own": ("https://example.com/@38.7,-9.1,12z", ["https://example.com/@38.7,-9.1,12z"]),
    "a link inside a link": ("https://web.archive.org/web/2020/https://example.com/a",
                             ["https://web.archive.org/web/2020/https://example.com/a"]),
    "after a colon": ("Site:www.example.com, link:https://example.com/a", ["https://example.com/a", "www.example.com"]),
    "after a word of another script": ("看https://example.com/a 看www.example.com", ["https://example.com/a", "www.example.com"]),
    "before a word of another script": ("https://example.com看 www.example.com看", ["https://example.com", "www.example.com"]),
    "after an ellipsis": ("veja...www.example.com/a, ..www.example.org …www.example.net",
                          ["www.example.com/a", "www.example.net", "www.example.org"]),
    "emoji": ("https://example.com/a🎉 👉https://example.com/b👍🏽", ["https://example.com/a", "https://example.com/b"]),
    "international": ("https://münchen.de/straße https://例え.jp/パス https://пример.рф/путь http://परीक्षा.भारत/क",
                      ["http://परीक्षा.भारत/क", "https://münchen.de/straße", "https://пример.рф/путь", "https://例え.jp/パス"]),
    "accents in the path": ("https://pt.wikipedia.org/wiki/Relatório.", ["https://pt.wikipedia.org/wiki/Relatório"]),
    "joiners in the path": ("https://fa.wikipedia.org/wiki/می\u200cخواهم", ["https://fa.wikipedia.org/wiki/می\u200cخواهم"]),
    "user": ("https://user:pass@example.com/a", ["https://user:pass@example.com/a"]),
    "invisible marks": ("\u200ehttps://example.com/a\u200f \u2068https://example.com/b\u2069",
                        ["https://example.com/a", "https://example.com/b"]),
    "hard blank": ("https://example.com/a\u00a0b", ["https://example.com/a"]),
    "percent signs": ("https://example.com/%C3%A1?q=%20", ["https://example.com/%C3%A1?q=%20"]),
}  # fmt: skip

CLOSING = ".,;:!?…。．、，！？；：؟،؛۔।॥։።፣។॰·・—–’”»」』）】》〉"

JUNK = [
    "3.50", "ok.Vamos", "1.2.3", "example.com", "example.com.br/a", "a@example.com", "joe@www.example.com",
    "//example.com/a", "//www.example.com/a", "ftp://example.com/a", "ftp://www.example.com/a", "file:///etc/passwd",
    "mailto:a@example.com", "tel:+351", "javascript:alert(1)", "git+https://example.com/a", "xhttp://example.com",
    "market://details?id=www.example.com", "intent://a?u=https://example.com/b", "http://", "https://...", "https:// a",
    "www.", "www...", "www.example", "www.1.2", "awww.example.com", "foo.www.example.com", "a/../www.example.com", "http:/example.com",
    "https//example.com", "http:www", "://example.com", "IMG-20260311-WA0004.jpg (file attached)", "relatório.pdf", "",
]  # fmt: skip


@pytest.mark.parametrize("case", WRITTEN)
def test_links_are_found_as_people_write_them(chat: Chat, case: str) -> None:
    text, expected = WRITTEN[case]
    assert values(chat([text])) == expected


@pytest.mark.parametrize("mark", CLOSING)
def test_closing_punctuation_of_any_script_is_not_part_of_a_link(chat: Chat, mark: str) -> None:
    texts = [f"https://example.com/a{mark}", f"https://example.com/a{mark}{mark} b", f"https://example.com{mark}"]
    assert values(chat(texts)) == ["https://example.com/a", "https://example.com"]


@pytest.mark.parametrize("text", JUNK)
def test_what_is_no_link_is_no_candidate(chat: Chat, text: str) -> None:
    assert values(chat([text, f"a {text} b", f"({text})"])) == []


def test_spellings_meet_in_the_key_and_the_first_one_is_kept(chat: Chat) -> None:
    found = find_candidates(
        chat(
            [
                "HTTPS://Example.com/Path?utm_source=a&id=1&fbclid=2#Top.",
                "https://example.com/Path?id=1#Top https://EXAMPLE.com/Path?id=1&gclid=x#Top",
                "https://example.com/path?id=1#Top",
            ]
        )
    ).to_pylist()
    assert found == [
        {
            "key": "https://example.com/Path?id=1#Top",
            "kind": "url",
            "value": "HTTPS://Example.com/Path?utm_source=a&id=1&fbclid=2#Top",
            "first_seq": 0,
            "n_messages": 2,
        },
        {
            "key": "https://example.com/path?id=1#Top",
            "kind": "url",
            "value": "https://example.com/path?id=1#Top",
            "first_seq": 2,
            "n_messages": 1,
        },
    ]


@pytest.mark.parametrize(
    ("link", "key"),
    [
        ("https://x.example/?utm_source=a", "https://x.example/"),
        ("https://x.example?UTM_Medium=a&b", "https://x.example?b"),
        ("https://x.example/a?b=1&gclid=2&c=3", "https://x.example/a?b=1&c=3"),
        ("https://x.example/a?fbclid", "https://x.example/a"),
        ("https://x.example/a?fbclids=1&my_utm_a=2", "https://x.example/a?fbclids=1&my_utm_a=2"),
        ("https://x.example/utm_a?b&&c#utm_d", "https://x.example/utm_a?b&&c#utm_d"),
        ("https://Us:Er@X.example/A", "https://Us:Er@x.example/A"),
        ("WWW.X.Example/A?gclid=1", "www.x.example/A"),
        ("https://MÜNCHEN.de/Ä", "https://münchen.de/Ä"),
        ("https://İstanbul.example/İ", "https://i\u0307stanbul.example/İ"),
        ("https://x.example/a#b?utm_source=c", "https://x.example/a#b?utm_source=c"),
        ("https://x.example/a?u=https://Y.example/?utm_b=c", "https://x.example/a?u=https://Y.example/?utm_b=c"),
    ],
)
def test_the_key_ignores_case_of_scheme_and_host_and_tracking_alone(chat: Chat, link: str, key: str) -> None:
    assert find_candidates(chat([link])).select(["key", "value"]).to_pylist() == [{"key": key, "value": link}]


def test_what_the_key_drops_is_tracking_for_courlan_too_and_what_it_keeps_is_one_address(chat: Chat) -> None:
    """A wider list (``ref``, ``cid``, ``source``…) would join pages that differ; those parameters stay."""
    from courlan import clean_url

    for tracker in ("utm_source=a", "utm_medium=b", "utm_campaign=c", "UTM_Term=d", "fbclid=e", "gclid=f"):
        link = f"https://example.com/path?id=1&{tracker}&page=2"
        (key,) = find_candidates(chat([link]))["key"].to_pylist()
        assert key == "https://example.com/path?id=1&page=2"
        assert clean_url(key) == key == clean_url(link.lower())
    for kept in ("ref=a", "cid=7", "source=b", "v=c", "list=d"):
        link = f"https://example.com/path?{kept}"
        assert find_candidates(chat([link]))["key"].to_pylist() == [link]


def test_messages_are_counted_not_mentions(chat: Chat) -> None:
    link = "https://example.com/a"
    found = find_candidates(chat([f"{link} {link} {link}", "no", f"{link}.", f"{link} www.example.com"]))
    assert found.select(["value", "first_seq", "n_messages"]).to_pylist() == [
        {"value": link, "first_seq": 0, "n_messages": 3},
        {"value": "www.example.com", "first_seq": 3, "n_messages": 1},
    ]


def test_attachments_come_from_media_alone_and_their_kind_from_the_ending(chat: Chat) -> None:
    names = ["a.JPG", "b.webp", "c.mp4", "d.opus", "relatório final (2).pdf", "e.xyz", "noext", ".hidden", "a.JPG"]
    texts = ["IMG-1.jpg (file attached)"] + [""] * len(names)
    found = find_candidates(chat(texts, [[]] + [[name] for name in names]))
    assert [(row["value"], row["kind"], row["n_messages"]) for row in found.to_pylist()] == [
        ("a.JPG", "image", 2),
        ("b.webp", "image", 1),
        ("c.mp4", "video", 1),
        ("d.opus", "audio", 1),
        ("relatório final (2).pdf", "document", 1),
        ("e.xyz", "document", 1),
        ("noext", "document", 1),
        (".hidden", "document", 1),
    ]
    assert found["key"].to_pylist() == found["value"].to_pylist()


def test_a_file_named_like_a_link_does_not_share_its_key(chat: Chat) -> None:
    name = "www.example.com"
    found = find_candidates(chat([name], [[name, "media:www.example.com"]]))
    assert len(set(found["key"].to_pylist())) == 3
    assert found["value"].to_pylist().count(name) == 2


def test_order_is_by_first_message_then_key_and_columns_are_those_of_the_contract(chat: Chat) -> None:
    found = find_candidates(chat(["https://b.example https://a.example", "https://0.example"], [["z.pdf"], []]))
    assert found.schema.equals(CANDIDATES)
    assert found["value"].to_pylist() == ["https://a.example", "https://b.example", "z.pdf", "https://0.example"]


def test_a_chat_without_candidates_gives_the_same_columns(chat: Chat) -> None:
    for table in (chat([]), chat(["nothing here", ""])):
        assert find_candidates(table).schema.equals(CANDIDATES)
        assert find_candidates(table).num_rows == 0
        assert find_mentions(table).schema.equals(MENTIONS)


def test_a_table_a_parquet_file_and_a_connection_give_the_same(chat: Chat, tmp_path: Path) -> None:
    table = chat(["https://a.example/1 www.b.example", "https://A.example/1"], [["o'hara.pdf"], []])
    file = tmp_path / "it's messages.parquet"
    pq.write_table(table, file)
    with duckdb.connect(str(tmp_path / "x.duckdb")) as connection:
        connection.register("given", table)
        connection.execute("CREATE TABLE messages AS SELECT * FROM given")
        expected = find_candidates(table)
        assert find_candidates(file).equals(expected)
        assert find_candidates((connection, "messages")).equals(expected)
        assert find_mentions((connection, "messages")).equals(find_mentions(file))
        assert connection.execute("SELECT count(*) FROM duckdb_tables()").fetchone() == (1,)
    with duckdb.connect(str(tmp_path / "x.duckdb"), read_only=True) as connection:
        assert find_candidates((connection, "messages")).equals(expected)


def test_mentions_say_which_message_speaks_of_what_once(chat: Chat) -> None:
    table = chat(["https://a.example https://A.example", "no", "b.pdf https://a.example"], [[], [], ["b.pdf"]])
    assert find_mentions(table).to_pylist() == [
        {"seq": 0, "key": "https://a.example"},
        {"seq": 2, "key": "b.pdf"},
        {"seq": 2, "key": "https://a.example"},
    ]


def test_nothing_is_left_behind_in_the_working_folder(
    chat: Chat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    find_candidates(chat(["https://a.example"] * 10))
    assert list(tmp_path.iterdir()) == []
