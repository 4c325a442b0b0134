"""Pictures, voice notes and film told by models, from the command line to the page, against a model's server on
loopback: what it is sent, how often it is asked, and what of its answers a reader sees."""

import base64
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest
from PIL import Image

from samples.sound import silence
from tests.stages.enrich.pictures import encoded, photograph
from tests.stages.llm.model_server import Answer, ModelServer

SECRET = "Rua das Flores 7"
SEEN = "Two people carry a cello along a jetty."
HEARD = "Marisol Vexley says the cello is in the boathouse."
FILM = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(200)


def with_place(seed: int) -> bytes:
    exif = Image.Exif()
    exif[0x010E], exif[0x013B] = SECRET, SECRET
    exif.get_ifd(0x8825)[2] = (38.0, 42.0, 0.0)
    return encoded(photograph(seed), exif=exif, comment=SECRET.encode())


PICTURE = with_place(1)
SMALLER = encoded(photograph(1).resize((480, 360)), quality=60)
OTHER = encoded(photograph(2))
VOICE = silence(4)
FILES: Mapping[str, bytes] = {
    "IMG-Marisol Vexley.jpg": PICTURE,
    "IMG-20260313-WA0002.jpg": PICTURE,
    "IMG-20260313-WA0003.jpg": SMALLER,
    "IMG-20260313-WA0004.jpg": OTHER,
    "PTT-20260313-WA0005.opus": VOICE,
    "PTT-20260313-WA0006.opus": VOICE,
    "VID-20260313-WA0007.mp4": FILM,
}
"""Two pictures, one of them three times; a voice note, twice; a film: four things to ask a model about."""


@dataclass
class Model:
    """What the server answers about a picture and about a sound, each by the number of the request of its kind."""

    server: ModelServer
    picture: Callable[[int], Answer] = lambda _: Answer(SEEN)
    sound: Callable[[int], Answer] = lambda _: said(HEARD)
    pictures: list[dict[str, Any]] = field(default_factory=list)
    sounds: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, asked: dict[str, Any]) -> Answer:
        kind, reply = (self.sounds, self.sound) if "file" in asked else (self.pictures, self.picture)
        kind.append(asked)
        return reply(len(kind))

    @property
    def requests(self) -> tuple[int, int]:
        return len(self.pictures), len(self.sounds)

    def forget(self) -> None:
        self.pictures.clear()
        self.sounds.clear()


def said(text: str) -> Answer:
    return Answer(body=json.dumps({"text": text}))


REFUSED = Answer(status=401, body='{"error": {"message": "bad key sk-test"}}')
BROKEN = Answer(status=500, body="{}")


@pytest.fixture
def model() -> Iterator[Model]:
    server = ModelServer()
    playing = Model(server)
    server.answers = [playing.answer]
    yield playing
    server.close()


@pytest.fixture
def run(model: Model, inside: Callable[..., Any]) -> Callable[..., Any]:
    """``run(*arguments, exits=0, **settings)``: the command line in this process; its output, as JSON where it is."""
    settings = {
        "LLM__API_BASE": model.server.base, "LLM__API_KEY": "sk-test", "LLM__VISION_MODEL": "openai/eyes",
        "LLM__TRANSCRIPTION_MODEL": "openai/ears", "RETRY__ATTEMPTS": "2", "RETRY__WAIT_INITIAL_SECONDS": "0.01",
        "RETRY__WAIT_MAX_SECONDS": "0.05",
    }  # fmt: skip

    def go(*arguments: object, exits: int = 0, **given: str | None) -> Any:
        asked = {f"STREAMLINER_{name}": value for name, value in (settings | given).items() if value is not None}
        done = inside(*arguments, check=exits, **asked)
        return json.loads(done.stdout) if done.stdout.startswith("{") else done.stdout + done.stderr

    return go


@pytest.fixture
def chat_of(tmp_path: Path) -> Callable[..., Path]:
    """A chat in which each of the files is sent, among words."""

    def make(files: Mapping[str, bytes] = FILES, name: str = "WhatsApp Chat with Marisol Vexley.zip") -> Path:
        people = ("Marisol Vexley", "Tobias Quandt")
        said = ["Did anyone find the missing cello? The concert is on Friday", "It was in the boathouse all along"]
        said += [f"{file} (file attached)" for file in files]
        lines = [f"13/03/2026 09:{n:02} - {people[n % 2]}: {text}\n" for n, text in enumerate(said)]
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("chat.txt", "".join(lines))
            for file, data in files.items():
                archive.writestr(file, data)
        return tmp_path / name

    return make


def sent_picture(request: dict[str, Any]) -> Image.Image:
    """The one picture that a request holds, and nothing beside it."""
    [part] = request["messages"][1]["content"]
    return Image.open(io.BytesIO(base64.b64decode(part["image_url"]["url"].removeprefix("data:image/jpeg;base64,"))))


def rows(archive: Path, columns: str = "kind, state, attempts, error_class, told_by") -> list[tuple[Any, ...]]:
    with duckdb.connect(str(archive / "archive.duckdb"), read_only=True) as connection:
        return connection.execute(f"SELECT {columns} FROM tasks WHERE kind <> 'url' ORDER BY first_seq").fetchall()


def pages(archive: Path) -> str:
    return "".join(path.read_text() for path in sorted((archive / "site").resolve().rglob("*.html")))


def alts(archive: Path) -> list[str]:
    """The alt of each picture of the transcript."""
    return re.findall(r'<img [^>]*alt="([^"]+)"', (archive / "site" / "transcript" / "0001.html").read_text())


def test_files_are_told_once_each_and_what_is_said_is_published(
    run, chat_of, model: Model, contents, tmp_path: Path
) -> None:
    archive = tmp_path / "a"
    export = chat_of()
    report = run("publish", export, "--archive", archive, "--json")
    assert model.requests == (2, 2)
    assert (report["model_calls"], report["dead_letters"], report["enriched"]) == (4 + report["windows"], 0, 7)
    assert report["cost_usd"] is None
    assert report["telling"] == {"pictures": 2, "sounds": 2, "copies": 3, "waiting": 0}
    assert report["breakers"] | {"hosts": None} == {
        "hosts": None, "provider": None, "vision": "closed", "transcription": "closed"
    }  # fmt: skip
    assert rows(archive) == [
        *[("image", "done", 1, None, "openai/eyes")] * 4,
        *[("audio", "done", 1, None, "openai/ears")] * 2,
        ("video", "done", 1, None, "openai/ears"),
    ]
    assert alts(archive) == [SEEN] * 4
    shown = pages(archive)
    assert "Vexley" not in shown
    assert shown.count("says the cello is in the boathouse.") >= 3
    index = (archive / "site" / "assets" / "search-index.js").read_text()
    assert "Two people carry a cello" in index
    assert "says the cello is in the boathouse" in index
    before = {name: contents((archive / name).resolve()) for name in ("site", "posts", "media")}
    again = run("publish", export, "--archive", archive, "--json")
    assert (again["model_calls"], model.requests) == (0, (2, 2))
    assert {name: contents((archive / name).resolve()) for name in before} == before


def test_pixels_and_sound_alone_are_sent(run, chat_of, model: Model, tmp_path: Path) -> None:
    run("publish", chat_of(), "--archive", tmp_path / "a", "--json", LLM__CONCURRENCY="1")
    for request in model.pictures:
        picture = sent_picture(request)
        assert SECRET.encode() not in picture.fp.getvalue()  # type: ignore[union-attr]
        assert not set(picture.info) & {"exif", "comment", "xmp", "icc_profile"}
    assert "English" in model.pictures[0]["messages"][0]["content"]
    assert sorted(request["file"] for request in model.sounds) == [
        ("audio.mp4", "video/mp4", FILM),
        ("audio.ogg", "audio/ogg", VOICE),
    ]
    assert {(request["model"], request.get("language")) for request in model.sounds} == {("ears", None)}
    others = [{name: value for name, value in request.items() if name != "file"} for request in model.sounds]
    sent = json.dumps([[request["messages"][0] for request in model.pictures], others])
    for word in ("Marisol", "Vexley", "Tobias", "IMG-", "PTT-", "VID-", "WA000", "cello", "boathouse", "jpg", "opus"):
        assert word not in sent, word
    assert set(model.server.keys) == {"Bearer sk-test"}


def test_a_refused_key_is_asked_once_and_a_retry_asks_from_what_is_stored(
    run, chat_of, model: Model, tmp_path: Path
) -> None:
    archive = tmp_path / "a"
    export = chat_of()
    model.picture = model.sound = lambda _: REFUSED
    report = run("publish", export, "--archive", archive, "--json", LLM__CONCURRENCY="1")
    assert model.requests == (1, 1)
    assert (report["model_calls"], report["dead_letters"]) == (2 + report["windows"], 7)
    refused = "the model's server refused the call (401: the key was not accepted)."
    assert report["dead_letter_reasons"] == {UNSEEN + refused: 4, UNHEARD + refused: 3}
    assert {row[1:] for row in rows(archive)} == {("dead", 1, "permanent", None)}
    assert alts(archive) == ["Picture"] * 4, "what is stored is shown"
    model.forget()
    model.picture, model.sound = lambda _: Answer(SEEN), lambda _: said(HEARD)
    told = run("publish", export, "--archive", archive)
    assert "Pictures and recordings that are there without a model's words (`streamliner retry` has it asked" in told
    assert f"again): 7.\n  4 x {UNSEEN}{refused}\n  3 x {UNHEARD}{refused}\n" in told
    assert "given up" not in told
    assert model.requests == (0, 0)
    assert run("retry", archive, "--json") == {"tasks": 7, "windows": 0}
    export.unlink()
    media = {path: path.stat().st_mtime_ns for path in (archive / "media").iterdir()}
    report = run("publish", "--archive", archive, "--json")
    assert model.requests == (2, 2)
    assert (report["dead_letters"], report["enriched"]) == (0, 7)
    assert "media_waiting_for_their_export" not in report
    assert alts(archive) == [SEEN] * 4
    assert {path: path.stat().st_mtime_ns for path in (archive / "media").iterdir()} == media, "nothing is made again"


UNSEEN = "The picture is shown without a description: "
UNHEARD = "The recording is there without a transcript: "
ONE = {"IMG-20260313-WA0001.jpg": OTHER}
FILTERED = Answer(status=400, body='{"error": {"message": "no", "code": "content_filter"}}')
FATES: Mapping[str, tuple[Sequence[Answer], int, str, str | None, str | None]] = {
    "filtered": ([FILTERED], 1, "dead", "permanent", "the provider's content filter refused what was sent."),
    "nonsense": (
        [Answer("I'm sorry, I can't.")], 2, "dead", "permanent",
        "the model described the picture twice in a way that cannot be shown.",
    ),
    "broken": ([BROKEN], 2, "pending", "transient", "the model's server failed (500)."),
    "busy": (
        [Answer(status=429, body="{}", headers={"Retry-After": "0"})], 2, "pending", "throttled",
        "the model's server asks for fewer calls (429).",
    ),
    "slow": ([Answer(SEEN, delay=4)], 2, "pending", "transient", "the model's server did not answer in time."),
    "busy once": (
        [Answer(status=429, body="{}", headers={"Retry-After": "0.02"}), Answer(SEEN)], 2, "done", None, None,
    ),
    "nonsense once": ([Answer("**Bold**"), Answer(SEEN)], 2, "done", None, None),
}  # fmt: skip
"""What the model's server answers about a picture in turn, how often it is asked, and what becomes of the picture."""


def test_each_failure_ends_as_its_class_says_and_the_picture_is_there(
    run, chat_of, model: Model, tmp_path: Path
) -> None:
    archive = tmp_path / "a"
    asked = dict.fromkeys(FATES, 0)

    def play(_: int) -> Answer:
        fate = list(FATES)[(sent_picture(model.pictures[-1]).width - 64) // 16]  # its width says which picture it is
        asked[fate] += 1
        answers = FATES[fate][0]
        return answers[min(asked[fate], len(answers)) - 1]

    model.picture = play
    files = {f"IMG-{n}.jpg": encoded(photograph(n, (64 + 16 * n, 64))) for n in range(len(FATES))}
    settings = {"LLM__TIMEOUT_SECONDS": "0.5", "LLM__CONCURRENCY": "1", "BREAKER__FAILURES": "50"}
    report = run("publish", chat_of(files), "--archive", archive, "--json", **settings)
    assert asked == {fate: row[1] for fate, row in FATES.items()}
    assert report["dead_letters"] == 2
    assert rows(archive, "state, error_class, last_error") == [
        (state, error_class, why and UNSEEN + why) for _, _, state, error_class, why in FATES.values()
    ]
    assert alts(archive) == [SEEN if row[2] == "done" else "Picture" for row in FATES.values()]
    model.forget()
    model.picture = lambda _: Answer(SEEN)
    run("publish", "--archive", archive, "--json")
    assert model.requests == (3, 0), "what waits is asked about from what is stored"
    assert alts(archive) == ["Picture" if row[2] == "dead" else SEEN for row in FATES.values()]


def test_nothing_said_is_an_answer(run, chat_of, model: Model, tmp_path: Path) -> None:
    model.sound = lambda _: said("")
    run("publish", chat_of({"PTT-1.opus": VOICE}), "--archive", tmp_path / "a", "--json")
    assert rows(tmp_path / "a", "state, transcript, told_by, alt") == [
        ("done", None, "openai/ears", "Voice note, 0:04")
    ]
    assert run("publish", chat_of({"PTT-1.opus": VOICE}), "--archive", tmp_path / "a", "--json")["model_calls"] == 0
    assert model.requests == (0, 1)


def test_a_limit_of_cost_lets_files_wait_and_shows_them(run, chat_of, model: Model, tmp_path: Path) -> None:
    archive = tmp_path / "a"
    report = run("publish", chat_of(), "--archive", archive, "--json", "--limit-cost", "0")
    assert model.requests == (0, 0)
    assert report["telling"]["waiting"] == 7
    assert {row[1:] for row in rows(archive)} == {("pending", 0, None, None)}
    assert alts(archive) == ["Picture"] * 4
    told = run("publish", "--archive", archive, "--limit-cost", "0")
    assert "wait to be told in the next run" in told
    report = run("publish", "--archive", archive, "--json")
    assert (model.requests, report["enriched"]) == ((2, 2), 7)
    assert alts(archive) == [SEEN] * 4


def test_a_model_that_comes_later_tells_what_is_stored_and_knows_the_copies_that_come_after(
    run, chat_of, model: Model, tmp_path: Path
) -> None:
    archive = tmp_path / "a"
    none = {"LLM__VISION_MODEL": None, "LLM__TRANSCRIPTION_MODEL": None}
    report = run("publish", chat_of(), "--archive", archive, "--json", **none)
    assert "telling" not in report
    assert (model.requests, report["breakers"]) == ((0, 0), {"hosts": {}, "provider": None})
    assert {row[1:] for row in rows(archive)} == {("done", 1, None, None)}
    (tmp_path / "WhatsApp Chat with Marisol Vexley.zip").unlink()
    report = run("publish", "--archive", archive, "--json", LLM__TRANSCRIPTION_MODEL=None)
    assert (model.requests, report["telling"]["pictures"], report["telling"]["copies"]) == ((2, 0), 2, 2)
    run("publish", "--archive", archive, "--json")
    assert model.requests == (2, 2)
    model.forget()
    more = {**FILES, "IMG-9.jpg": encoded(photograph(2), quality=50), "IMG-10.jpg": encoded(photograph(3))}
    report = run("publish", chat_of(more), "--archive", archive, "--json")
    assert (model.requests, report["telling"]["pictures"], report["telling"]["copies"]) == ((1, 0), 1, 1)
    anew = run("publish", chat_of(more), "--archive", archive, "--json", "--refresh", "enrich")
    assert (model.requests, anew["telling"]["copies"]) == ((4, 2), 4)


def test_what_fails_while_it_is_made_anew_stays_known(run, chat_of, model: Model, tmp_path: Path) -> None:
    archive = tmp_path / "a"
    export = chat_of(ONE | {"PTT-1.opus": VOICE})
    run("publish", export, "--archive", archive, "--json")
    model.picture = lambda _: BROKEN
    run("publish", export, "--archive", archive, "--json", "--refresh", "enrich")
    assert model.requests == (3, 2)
    why = "The picture is shown without a new description: the model's server failed (500)."
    assert rows(archive, "state, alt, told_by, last_error")[0] == ("pending", SEEN, "openai/eyes", why)
    assert alts(archive) == [SEEN]


def test_a_batch_asks_about_many_files_at_once(run, chat_of, model: Model, tmp_path: Path) -> None:
    files = {f"IMG-{number}.jpg": encoded(photograph(number, (64, 48))) for number in range(12)}
    model.picture = lambda _: Answer(SEEN, delay=0.15)
    report = run("publish", chat_of(files), "--archive", tmp_path / "a", "--json", LLM__CONCURRENCY="3")
    assert (model.requests, model.server.peak, report["telling"]["pictures"]) == ((12, 0), 3, 12)


PORTUGUESE = (
    "Alguém encontrou o violoncelo que estava desaparecido desde a semana passada? O concerto é na sexta-feira",
    "Estava no barracão dos barcos o tempo todo, não sei como é que ninguém o viu mais cedo",
)


@pytest.mark.parametrize(
    ("words", "setting", "language", "said"),
    [
        (PORTUGUESE, "auto", "Portuguese", False),
        (PORTUGUESE, "en", "English", False),
        (("ok",), "auto", "English", True),
    ],
    ids=["chat", "set", "unknown"],
)
def test_pictures_are_described_in_the_language_of_the_chat(
    run, model: Model, tmp_path: Path, words: Sequence[str], setting: str, language: str, said: bool
) -> None:
    with zipfile.ZipFile(tmp_path / "chat.zip", "w") as archive:
        lines = [*words, "IMG-1.jpg (file attached)"]
        chat = "".join(f"13/03/2026 09:{n:02} - Marisol Vexley: {text}\n" for n, text in enumerate(lines))
        archive.writestr("chat.txt", chat)
        archive.writestr("IMG-1.jpg", OTHER)
    told = run("publish", tmp_path / "chat.zip", "--archive", tmp_path / "a", SITE__LANGUAGE=setting)
    assert f"plain sentences in {language}" in model.pictures[0]["messages"][0]["content"]
    assert ("The language of the chat cannot be told" in told) is said


def test_a_dry_run_says_how_many_files_models_would_be_asked_about(run, chat_of, model: Model, tmp_path: Path) -> None:
    report = run("publish", chat_of(), "--archive", tmp_path / "a", "--dry-run", "--json")
    pictures = sum(Path(name).suffix in (".jpg", ".png") for name in FILES)
    assert (report["pictures_to_tell"], report["sounds_to_tell"]) == (pictures, len(FILES) - pictures)
    assert model.requests == (0, 0)
    told = run("publish", chat_of(), "--archive", tmp_path / "a", "--dry-run", LLM__VISION_MODEL=None)
    assert f"; {len(FILES) - pictures} voice notes and films would be transcribed. Nothing was done." in told
    assert "described" not in told


def test_faces_and_voices_need_a_yes_of_their_own(run, chat_of, model: Model, contents, tmp_path: Path) -> None:
    away = {"LLM__API_BASE": "https://models.example.com/v1", "LLM__CONSENT": "true"}
    told = run("publish", chat_of(ONE), "--archive", tmp_path / "a", exits=2, **away)
    assert "The chat's pictures go to models.example.com (model openai/eyes)" in told
    assert "films of up to 25 MB go to models.example.com (model openai/ears)" in told
    assert "STREAMLINER_LLM__MEDIA_CONSENT=true" in told
    assert not (tmp_path / "a").exists()
    told = run("publish", chat_of(ONE), "--archive", tmp_path / "a", exits=2, LLM__VISION_MODEL="nobody-knows/this")
    assert "llm.vision_model" in told
    assert not (tmp_path / "a").exists()
    assert model.requests == (0, 0)
