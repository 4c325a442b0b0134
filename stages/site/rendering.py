"""Templates to bytes on disk: one environment, one policy for all pages, one place that writes files."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from stages.errors import StreamlinerError
from stages.site.text import clean
from stages.site.words import Words

if TYPE_CHECKING:
    from jinja2 import Environment

# data: is for the previews of pictures, which stand in the pages themselves; nothing in a picture is ever run
POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; media-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)
_HERE: Final = Path(__file__).parent
_ASSETS: Final = ("icon.svg", "search.js", "site.css")


class Pages:
    """Renders and writes the files of one site, and counts them. What every page says is given once."""

    def __init__(self, out: Path, **shared: Any) -> None:
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise StreamlinerError(f"The folder {out} is not empty; a site is made in a folder of its own.")
        self._out = out
        self._shared = {"policy": POLICY, **shared}
        self._written: set[str] = set()
        self.count = 0
        self.bytes = 0

    def page(self, template: str, file: str, **values: Any) -> None:
        """Write one HTML page; ``root`` is what leads from it to the site's root."""
        root = "../" * file.count("/")
        text = _environment().get_template(template).render(self._shared | {"root": root, "here": file} | values)
        self.write(file, text)
        self.count += 1

    def write(self, file: str, text: str) -> None:
        """Write a file once. Two of one name, in any case of letters, are a mistake that would lose a page."""
        if file.casefold() in self._written:
            raise StreamlinerError(f"Two pages of the site have the same name: {file}.")
        self._written.add(file.casefold())
        path = self._out / file
        path.parent.mkdir(parents=True, exist_ok=True)
        data = text.encode()
        path.write_bytes(data)
        self.bytes += len(data)

    def assets(self) -> None:
        for name in _ASSETS:
            self.write(f"assets/{name}", (_HERE / "assets" / name).read_text(encoding="utf-8"))


def navigation(words: Words) -> list[tuple[str, str]]:
    return [
        (words["archive"], "archive.html"),
        (words["tags"], "tags.html"),
        (words["transcript"], "transcript/index.html"),
        (words["about_short"], "about.html"),
    ]


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    def finalize(value: Any) -> Any:
        # every text that a template shows passes here, before it is escaped
        return clean(value) if type(value) is str else value

    return Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
