"""Files that messages share: under which name a message speaks of each, and which address may be shown."""

from collections.abc import Mapping

from stages.ingest.names import fold
from stages.ingest.slack.values import Entry, entries, name_of, string


class Uploads:
    """Names of shared files, one name a file. Memory: two short strings for each distinct name.

    Slack's own exports hold no files, and names repeat (``image.png``): a name is the first file's that bears it, and
    another file is called by its id and name. A file that the ZIP holds has the name that it has there.
    """

    def __init__(self, in_zip: Mapping[str, str]) -> None:
        self._in_zip = in_zip
        self._owners: dict[str, str] = {fold(name): identity for identity, name in in_zip.items()}

    def names(self, message: Entry) -> list[str]:
        """The names of a message's files; a deleted or hidden file has none."""
        found = [self._name(file) for file in shared(message)]
        return list(dict.fromkeys(name for name in found if name))

    def _name(self, file: Entry) -> str:
        identity = string(file.get("id"))
        if identity in self._in_zip:
            return self._in_zip[identity]
        name = name_of(file.get("name")) or name_of(file.get("title"))
        name = name.replace("/", "_").replace("\\", "_")
        if not name or not identity:
            return name
        owner = self._owners.setdefault(fold(name), identity)
        return name if owner == identity else f"{identity}-{name}"


def shared(message: Entry) -> list[Entry]:
    """The files of a message, in today's form and in the one before 2018."""
    files = entries(message.get("files"))
    return files or entries([message.get("file")])


def file_ids(message: Entry) -> str:
    """The ids of a message's files, by which it is known where it says nothing."""
    return " ".join(string(file.get("id")) for file in shared(message))


def outside_links(message: Entry) -> list[str]:
    """Addresses of files that lie with another service. Slack's own addresses carry keys and are of no use."""
    found = [string(file.get("url_private")) for file in shared(message) if file.get("is_external")]
    return [url for url in found if url.startswith(("https://", "http://")) and "slack.com/" not in url]
