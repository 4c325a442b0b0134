"""An export of DiscordChatExporter in JSON comes out as the chat that it is."""

from collections.abc import Callable
from typing import Any

import pytest

from stages.errors import BadInput

Parse = Callable[..., Any]


def test_messages_replies_edits_reactions_and_media_survive(parse_discord: Parse, dce: Any) -> None:
    ann, bob = dce.user(1, "ann", "Ann Lee"), dce.user(2, "bob", discriminator="1234", nickname=None)
    bob["nickname"] = None
    parsed = parse_discord(
        [
            dce.message(10, ann, "**Hello**\r\nthere", timestamp="2024-03-15T10:00:00.1234567+02:00"),
            dce.message(11, bob, "Hi", type="Reply", reference={"messageId": "10", "channelId": "555"}),
            dce.message(12, bob, "elsewhere", type="Reply", reference={"messageId": "10", "channelId": "556"}),
            dce.message(13, ann, "fixed", timestampEdited="2024-03-15T11:00:00+00:00",
                        reactions=[{"emoji": {"id": "", "name": "👍"}, "count": 3, "users": [bob]},
                                   {"emoji": {"id": "7", "name": "party"}, "count": 2, "users": []}]),
            dce.message(14, ann, "",
                        attachments=[{"id": "1", "url": "https://cdn.example/1/a.png", "fileName": "a.png"}]),
        ]
    )  # fmt: skip
    first = parsed.rows[0] if parsed.rows[0]["text"].startswith("**") else parsed.rows[-1]
    assert first["text"] == "**Hello**\nthere"
    assert first["ts"].isoformat() == "2024-03-15T08:00:00.123456+00:00"
    by_text = {row["text"]: row for row in parsed.rows}
    assert {row["author"] for row in parsed.rows} == {"Ann Lee", "bob#1234"}
    assert by_text["Hi"]["reply_to"] == first["message_id"]
    assert by_text["elsewhere"]["reply_to"] is None
    assert by_text["fixed"]["edited"]
    assert by_text["fixed"]["reactions"] == 5
    assert (by_text[""]["kind"], by_text[""]["media"]) == ("media", ["a.png"])
    assert parsed.report.platform == "discord"
    assert parsed.report.warnings == []


@pytest.mark.parametrize(
    ("kind", "content", "expected"),
    [
        ("GuildMemberJoin", "Joined the server.", ("system", "@Ann joined the server.")),
        ("ChannelPinnedMessage", "Pinned a message.", ("system", "@Ann pinned a message.")),
        ("ThreadCreated", "Started a thread.", ("system", "@Ann started a thread.")),
        ("RecipientAdd", "Added Bob to the group.", ("system", "@Ann added @Bob to the group.")),
        ("Call", "Started a call that lasted 5 minutes.", ("call", "@Ann started a call that lasted 5 minutes.")),
        ("8", "", ("system", "@Ann boosted the server.")),
        ("9", "3", ("system", "@Ann boosted the server to level 1.")),
        ("7", "", ("system", "@Ann joined the server.")),
        ("99", "", ("system", "An event of type 99 happened.")),
    ],
)
def test_an_event_has_no_author_and_says_who_did_what(
    parse_discord: Parse, dce: Any, kind: str, content: str, expected: tuple[str, str]
) -> None:
    ann, bob = dce.user(1, "ann", "Ann"), dce.user(2, "bob", "Bob")
    row = parse_discord([dce.message(1, ann, content, type=kind, mentions=[bob])]).rows[0]
    assert row["author"] is None
    assert (row["kind"], row["text"]) == expected


@pytest.mark.parametrize("kind", ["20", "23", "99"])
def test_what_a_bot_answers_is_a_message(parse_discord: Parse, dce: Any, kind: str) -> None:
    bot = dce.user(9, "Helper Bot", isBot=True)
    interaction = {"id": "5", "name": "weather", "user": dce.user(1, "ann")}
    row = parse_discord([dce.message(1, bot, "It rains.", type=kind, interaction=interaction)]).rows[0]
    assert (row["author"], row["kind"], row["text"]) == ("Helper Bot", "text", "It rains.")


def test_a_card_is_text_where_there_is_none_and_a_link_elsewhere(parse_discord: Parse, dce: Any) -> None:
    card = {"title": "News", "url": "https://example.org/n", "description": "What is new",
            "fields": [{"name": "State", "value": "open"}], "image": {"url": "https://example.org/i.png"}}  # fmt: skip
    ann = dce.user(1, "ann")
    parsed = parse_discord(
        [
            dce.message(1, ann, "", embeds=[card]),
            dce.message(2, ann, "look", embeds=[card]),
            dce.message(3, ann, "https://example.org/n", embeds=[card]),
            dce.message(4, ann, "", embeds=[{"title": "", "image": {"url": "https://example.org/i.png"}}]),
        ]
    )
    assert parsed.rows[0]["text"] == "News\nWhat is new\nState: open\nhttps://example.org/n"
    assert parsed.rows[1]["links"] == ["https://example.org/n"]
    assert not parsed.rows[2]["links"]
    assert parsed.rows[3]["text"] == "https://example.org/i.png"


def test_forwards_stickers_and_polls(parse_discord: Parse, dce: Any) -> None:
    ann = dce.user(1, "ann")
    forward = {"timestamp": "2024-01-01T00:00:00+00:00", "content": "from afar",
               "attachments": [{"id": "3", "url": "https://cdn.example/3/b.pdf", "fileName": "b.pdf"}]}  # fmt: skip
    poll = {"question": {"text": "When?"}, "answers": [{"poll_media": {"text": "Now"}}, {"text": "Later"}]}
    parsed = parse_discord(
        [
            dce.message(1, ann, "", forwardedMessage=forward,
                        reference={"type": "Forward", "messageId": "77", "channelId": "555"}),
            dce.message(2, ann, "", stickers=[{"id": "8", "name": "Wave", "sourceUrl": "https://cdn.example/8.json"}]),
            dce.message(3, ann, "", poll=poll),
        ]
    )  # fmt: skip
    assert [(row["kind"], row["text"], row["media"]) for row in parsed.rows] == [
        ("media", "from afar", ["b.pdf"]),
        ("media", "[sticker: Wave]", []),
        ("poll", "When?\n- Now\n- Later", []),
    ]


def test_a_thread_is_a_topic(parse_discord: Parse, dce: Any) -> None:
    thread = {"type": "GuildPublicThread", "name": "Trip in May"}
    value = dce.export([dce.message(1, dce.user(1, "ann"), "yes")], channel=thread)
    assert parse_discord(value).rows[0]["topic"] == "Trip in May"


def test_syntax_that_was_left_as_it_is_gets_names(parse_discord: Parse, dce: Any) -> None:
    ann, bob = dce.user(1, "ann", "Ann"), dce.user(2, "bob", "Bob")
    text = "<@2> and <@!1>, <@&900> see <#555> <:wave:123> <a:dance:124> at <t:1710512400:f>, </roll:9>, <@33>"
    row = parse_discord([dce.message(1, ann, text, mentions=[bob])]).rows[0]
    assert row["text"] == (
        "@Bob and @Ann, @Helper see #general :wave: :dance: at 2024-03-15 14:20 UTC, /roll, @unknown-user"
    )


def test_ids_outlive_a_new_name_and_the_way_mentions_are_written(parse_discord: Parse, dce: Any) -> None:
    ann, bob, robert = dce.user(1, "ann", "Ann"), dce.user(2, "bob", "Bob"), dce.user(2, "bob", "Robert")
    ways = [
        [dce.message(1, bob, "one"), dce.message(2, ann, "hi @Bob!", mentions=[bob]),
         dce.message(3, bob, "Pinned a message.", type="ChannelPinnedMessage")],
        [dce.message(1, robert, "one"), dce.message(2, ann, "hi @Robert!", mentions=[robert]),
         dce.message(3, robert, "Pinned a message.", type="ChannelPinnedMessage")],
        [dce.message(1, robert, "one", reactions=[{"count": 1}]), dce.message(2, ann, "hi <@!2>!", mentions=[robert]),
         dce.message(3, bob, "Pinned a message.", type="ChannelPinnedMessage")],
    ]  # fmt: skip
    ids = {tuple(parse_discord(way).column("message_id")) for way in ways}
    assert len(ids) == 1


def test_a_message_that_comes_again_is_taken_once(parse_discord: Parse, dce: Any) -> None:
    ann = dce.user(1, "ann")
    messages = [dce.message(number, ann, f"m{number}") for number in (5, 6, 7, 6, 5, 8)]
    parsed = parse_discord(messages)
    assert parsed.column("text") == ["m5", "m6", "m7", "m8"]
    assert any("more than once" in warning for warning in parsed.report.warnings)


def test_people_who_are_shown_alike_stay_apart(parse_discord: Parse, dce: Any) -> None:
    one, other = dce.user(1, "alex1", "Alex"), dce.user(2, "alex2", "Alex")
    parsed = parse_discord([dce.message(1, one, "a"), dce.message(2, other, "b")])
    assert parsed.column("author") == ["alex1", "alex2"]


def test_users_without_a_name_or_none_at_all(parse_discord: Parse, dce: Any) -> None:
    nameless = dce.user(7, "", nickname="")
    parsed = parse_discord([dce.message(1, nameless, "a"), dce.message(2, None, "b")])
    assert parsed.column("text") == ["a", "b"]
    assert parsed.rows[0]["author"] == "Unknown user 7"


def test_an_empty_channel_is_refused(parse_discord: Parse, dce: Any) -> None:
    with pytest.raises(BadInput, match="no message"):
        parse_discord([])


@pytest.mark.parametrize("field", ["timestamp", "id"])
def test_a_message_is_dated_by_its_id_where_its_time_is_missing(parse_discord: Parse, dce: Any, field: str) -> None:
    ann = dce.user(1, "ann")
    # the id of 2024-03-15T14:20:00Z
    number = (1_710_512_400_000 - 1_420_070_400_000) << 22
    broken = dce.message(number, ann, "dated", timestamp="2024-03-15T14:20:00+00:00")
    broken[field] = None
    row = parse_discord([broken]).rows[0]
    assert row["ts"].isoformat() == "2024-03-15T14:20:00+00:00"


def test_names_are_hidden_also_common_words_and_people_who_never_wrote(parse_discord: Parse, dce: Any) -> None:
    will, ann = dce.user(1, "will_b", "Will"), dce.user(2, "ann", "Ann Marie Lopes")
    eve = dce.user(3, "eve.k", "Evelyn K.")
    reaction = {"emoji": {"id": "", "name": "x"}, "count": 1, "users": [eve]}
    parsed = parse_discord(
        [
            dce.message(1, ann, "Evelyn said that she will come"),
            dce.message(2, ann, "@Will, when?", mentions=[will]),
            dce.message(3, will, "Joined the server.", type="GuildMemberJoin"),
            dce.message(4, ann, "so it is", reactions=[reaction]),
        ],
        raw_authors=False,
    )
    said = parsed.column("text")
    assert said[0].endswith("said that she will come")
    assert not any(name in " ".join(said) for name in ("Will", "Evelyn", "Lopes", "Marie"))
    assert said[2].endswith(" joined the server.")


def test_direct_messages_are_named_after_people(parse_discord: Parse, dce: Any) -> None:
    channel = {"type": "DirectTextChat", "name": "Ernestine Q"}
    value = dce.export([dce.message(1, dce.user(1, "ann"), "Ernestine is away")], channel=channel, guild="0")
    parsed = parse_discord(value, raw_authors=False)
    assert "Ernestine" not in parsed.rows[0]["text"]
    assert "Ernestine" not in str(parsed.report.as_json())
