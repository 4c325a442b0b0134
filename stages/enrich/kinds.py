"""What a file name's ending says: kind, media type, and the neutral words that describe such a file.

The words claim nothing about the content. What is unknown is a document.
"""

from typing import Final, NamedTuple


class FileKind(NamedTuple):
    kind: str
    mime: str
    alt: str


UNKNOWN: Final = FileKind("document", "application/octet-stream", "File")

_FAMILIES: Final = {
    ("image", "Picture"): {
        "jpg": "image/jpeg", "jpeg": "image/jpeg", "jpe": "image/jpeg", "jfif": "image/jpeg", "png": "image/png",
        "gif": "image/gif", "bmp": "image/bmp", "tif": "image/tiff", "tiff": "image/tiff", "heic": "image/heic",
        "heif": "image/heif", "avif": "image/avif", "svg": "image/svg+xml",
    },
    ("image", "Sticker"): {"webp": "image/webp"},
    ("video", "Video"): {
        "mp4": "video/mp4", "m4v": "video/mp4", "mov": "video/quicktime", "3gp": "video/3gpp", "3g2": "video/3gpp2",
        "webm": "video/webm", "mkv": "video/x-matroska", "avi": "video/x-msvideo", "mpg": "video/mpeg",
        "mpeg": "video/mpeg", "wmv": "video/x-ms-wmv",
    },
    ("audio", "Voice note"): {"opus": "audio/ogg"},
    ("audio", "Audio"): {
        "ogg": "audio/ogg", "oga": "audio/ogg", "m4a": "audio/mp4", "mp3": "audio/mpeg", "aac": "audio/aac",
        "amr": "audio/amr", "wav": "audio/wav", "flac": "audio/flac", "wma": "audio/x-ms-wma", "caf": "audio/x-caf",
    },
    ("document", "PDF document"): {"pdf": "application/pdf"},
    ("document", "Text document"): {
        "txt": "text/plain", "md": "text/markdown", "rtf": "application/rtf", "doc": "application/msword",
        "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "odt": "application/vnd.oasis.opendocument.text", "epub": "application/epub+zip",
    },
    ("document", "Spreadsheet"): {
        "csv": "text/csv", "xls": "application/vnd.ms-excel", "ods": "application/vnd.oasis.opendocument.spreadsheet",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    },
    ("document", "Presentation"): {
        "ppt": "application/vnd.ms-powerpoint", "odp": "application/vnd.oasis.opendocument.presentation",
        "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    },
    ("document", "Contact card"): {"vcf": "text/vcard"},
    ("document", "Calendar entry"): {"ics": "text/calendar"},
    ("document", "ZIP file"): {"zip": "application/zip"},
}  # fmt: skip

EXTENSIONS: Final = {
    extension: FileKind(kind, mime, alt)
    for (kind, alt), family in _FAMILIES.items()
    for extension, mime in family.items()
}


def file_kind(name: str) -> FileKind:
    """By the letters after the last dot, in any case."""
    stem, dot, extension = name.rpartition(".")
    return EXTENSIONS.get(extension.lower(), UNKNOWN) if dot and stem else UNKNOWN


def file_key(name: str) -> str:
    """SQL for an attachment's key, given SQL for its name: the name, set apart where it could be a link's key."""
    return f"CASE WHEN regexp_matches({name}, '^(?i)(?:www[.]|https?://|media:)') THEN 'media:' ELSE '' END || {name}"
