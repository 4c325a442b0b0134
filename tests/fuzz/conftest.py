"""Small exports of every platform, of our own making: what mutations start from."""

import io
import json
import zipfile
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

WHATSAPP = [
    "13/03/2024, 10:00 - Messages and calls are end-to-end encrypted.\n13/03/2024, 10:01 - Ana: hello @351912345678\n"
    "13/03/2024, 10:02 - Rui Silva: IMG-20240313-WA0001.jpg (file attached)\ncaption\n\n14/03/2024, 1:05 - Ana: <Media"
    " omitted>\n14/03/2024, 10:05 - Ana: a <This message was edited>\n",
    "[12/31/21, 11:59:58 PM] Ana: bye\r\n\u200e[1/1/22, 12:00:01 AM] Rui: \u200e<attached: 00000002-PHOTO-2022-01-01-"
    "00-00-01.jpg>\r\n[1/1/22, 12:00:05 AM] Trip: \u200eRui created this group\r\n[1/1/22, 12:01:00 AM] ~\u202fZoe:"
    " \u200ePOLL:\r\nBeach?\r\n\u200eOPTION: yes (1 vote)\r\n",
    "١٨‏/٣‏/٢٠٢٢، ١٠:٠٥ ص - سارة: مرحبا\n١٨‏/٣‏/٢٠٢٢، ١٠:٠٦ ص - سارة: كيف\n",
]  # fmt: skip

TELEGRAM: list[dict[str, Any]] = [
    {
        "name": "Ana", "type": "personal_chat", "id": 42,
        "messages": [
            {"id": 1, "type": "service", "date": "2021-05-01T10:00:00", "date_unixtime": "1619863200",
             "actor": "Ana", "actor_id": "user1", "action": "phone_call", "duration_seconds": 12, "text": ""},
            {"id": 2, "type": "message", "date": "2021-05-01T10:01:00", "date_unixtime": "1619863260", "from": "Ana",
             "from_id": "user1", "text": ["see ", {"type": "text_link", "text": "this", "href": "https://a.example"}],
             "text_entities": [], "reactions": [{"type": "emoji", "count": 2, "emoji": "x"}]},
            {"id": 3, "type": "message", "date": "2021-05-01T10:02:00", "from": None, "from_id": "user2",
             "reply_to_message_id": 2, "photo": "photos/photo_1@01.jpg", "width": 3, "height": 4, "text": "",
             "edited": "2021-05-01T10:03:00"},
            {"id": 4, "type": "message", "date": "2021-05-01T10:04:00", "from": "Rui", "from_id": 7, "text": "",
             "poll": {"question": "Beach?", "closed": False, "answers": [{"text": "yes", "voters": 1}]}},
        ],
    },
    {"about": "x", "chats": {"about": "y", "list": [
        {"name": None, "type": "saved_messages", "id": 5, "messages": []},
        {"name": "G", "type": "private_supergroup", "id": 6, "messages": [
            {"id": 9, "type": "message", "date": "2022-01-01T00:00:00", "from": "Zoe", "from_id": "user9",
             "text": "hi", "media_type": "voice_message", "file": "(File not included.)"}]},
    ]}},
]  # fmt: skip

DISCORD = {
    "guild": {"id": "1", "name": "G"}, "channel": {"id": "2", "type": "GuildTextChat", "name": "general"},
    "dateRange": {"after": None, "before": None}, "exportedAt": "2024-01-01T00:00:00+00:00",
    "messages": [
        {"id": "10", "type": "Default", "timestamp": "2024-01-01T10:00:00.123+01:00", "timestampEdited": None,
         "isPinned": False, "content": "hi **you** <@5>", "author": {"id": "5", "name": "ana", "nickname": "Ana",
         "isBot": False}, "attachments": [{"id": "7", "url": "https://cdn.example/a.png", "fileName": "a.png",
         "fileSizeBytes": 5}], "embeds": [], "stickers": [], "mentions": [], "reactions": [
         {"emoji": {"name": "x"}, "count": 3}]},
        {"id": "11", "type": "Reply", "timestamp": "2024-01-01T10:01:00+01:00", "content": "yes", "author":
         {"id": "6", "name": "rui"}, "attachments": [], "reference": {"messageId": "10", "channelId": "2"}},
        {"id": "12", "type": "ChannelPinnedMessage", "timestamp": "2024-01-01T10:02:00+01:00", "content": "Pinned.",
         "author": {"id": "6", "name": "rui"}, "attachments": []},
    ],
    "messageCount": 3,
}  # fmt: skip
DISCORD_TABLE = (
    'AuthorID,Author,Date,Content,Attachments,Reactions\n"5","ana","2024-01-01T10:00:00.0000000+00:00","hi, ""you""",'
    '"",""\n"6","rui","2024-01-01T10:01:00.0000000+00:00","two\nlines","https://cdn.example/a.png","x (2)"\n'
)
SIGNAL = [
    "[2023-05-01 10:00] Ana: hello\nmore\n\n[2023-05-01 10:01] Me: fine\n>\n> hello\n\n(- Ana: x -)\n"
    "[2023-05-01 10:02] Ana: ![a.jpg](./media/a.jpg)\n",
    '{"date": "2023-05-01T10:00:00", "sender": "Ana", "body": "hello", "quote": "", "sticker": "", "reactions": '
    '[["Rui", "x"]], "attachments": [{"name": "a.jpg", "path": "media/a.jpg"}]}\n'
    '{"date": "2023-05-01T10:01:00", "sender": "Me", "body": "", "quote": "hello", "sticker": "", "reactions": [], '
    '"attachments": []}\n',
]
TABLE = 'date;author;text\n2024-01-31 10:00;Ana;"hello; you"\n2024-02-01 10:05;Rui;\n01/02/2024;Zoe;x\n'
LINES = '{"ts": "2024-01-01T10:00:00Z", "author": "Ana", "text": "a"}\n{"ts": 1704103260, "author": null, "text": 5}\n'
SLACK = {
    "users.json": [{"id": "U1", "name": "ana", "profile": {"display_name": "Ana", "real_name": "Ana B"}}],
    "channels.json": [{"id": "C1", "name": "general", "members": ["U1"], "created": 1700000000}],
    "general/2024-01-10.json": [
        {"type": "message", "ts": "1704880800.000100", "user": "U1", "text": "hi <@U1> &amp; <https://a.example|a>",
         "thread_ts": "1704880800.000100", "reply_count": 1, "edited": {"user": "U1", "ts": "1704880900.000000"},
         "reactions": [{"name": "x", "count": 2, "users": ["U1"]}]},
        {"type": "message", "subtype": "channel_join", "ts": "1704880801.000100", "user": "U1", "text": "joined"},
    ],
    "general/2024-01-11.json": [
        {"type": "message", "ts": "1704967200.000100", "user": "U2", "text": "", "thread_ts": "1704880800.000100",
         "files": [{"id": "F1", "name": "a.png"}], "user_profile": {"real_name": "Rui"}},
        {"type": "message", "subtype": "bot_message", "ts": "1704967201.000100", "bot_id": "B1", "text": "",
         "attachments": [{"fallback": "x", "text": "y"}], "blocks": []},
    ],
}  # fmt: skip


def zipped(files: dict[str, bytes]) -> bytes:
    """A ZIP of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return buffer.getvalue()


def parquet() -> bytes:
    """A table of messages as Parquet."""
    buffer = io.BytesIO()
    table = pa.table({"ts": ["2024-01-01T10:00:00Z", None], "author": ["Ana", "Rui"], "text": ["a", "b"]})
    pq.write_table(table, buffer)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def seeds() -> dict[str, list[bytes]]:
    """Exports of each platform, as files."""
    slack = {name: json.dumps(value).encode() for name, value in SLACK.items()}
    telegram = [json.dumps(one, indent=1, ensure_ascii=False).encode() for one in TELEGRAM]
    chats = {
        "whatsapp": [text.encode() for text in WHATSAPP] + [zipped({"_chat.txt": WHATSAPP[1].encode(), "a.jpg": b"1"})],
        "telegram": [*telegram, zipped({"result.json": telegram[0]})],
        "slack": [zipped(slack)],
        "discord": [json.dumps(DISCORD, indent=2).encode(), DISCORD_TABLE.encode()],
        "signal": [text.encode() for text in SIGNAL],
        "csv": [TABLE.encode()],
        "jsonl": [LINES.encode()],
        "parquet": [parquet()],
    }
    every = [seed for found in chats.values() for seed in found]
    return chats | {"detected": every, "hidden": every, "zip": [seed for seed in every if seed.startswith(b"PK")]}
