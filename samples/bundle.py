"""Writes the exports as ZIP files whose bytes depend on nothing but the sample and the locked libraries."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from samples import android, ios
from samples.script import read_stories
from samples.weave import weave

ANDROID: Final = "sample-android.zip"
IOS: Final = "sample-ios.zip"
ANDROID_LATER: Final = "sample-android-later.zip"

_STAMP: Final = (2026, 5, 11, 9, 0, 0)


def write_samples(folder: Path) -> list[Path]:
    """The three exports, in ``folder``, which is made where it is missing. A few seconds, most of it drawing."""
    folder.mkdir(parents=True, exist_ok=True)
    entries, longer = weave(read_stories()), weave(read_stories(later=True))
    exports = {ANDROID: android.export(entries), IOS: ios.export(entries), ANDROID_LATER: android.export(longer)}
    return [_write(folder / name, files) for name, files in exports.items()]


def _write(path: Path, files: Mapping[str, bytes]) -> Path:
    """One ZIP, entries sorted, stamps fixed; what is compressed already is stored."""
    part = path.with_suffix(".part")
    with zipfile.ZipFile(part, "w") as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, _STAMP)
            info.create_system = 3
            info.external_attr = 0o100644 << 16
            info.compress_type = zipfile.ZIP_STORED if name.endswith((".jpg", ".opus")) else zipfile.ZIP_DEFLATED
            archive.writestr(info, files[name])
    part.replace(path)
    return path
