"""What readers see is replaced in one step: ``site`` is a link to ``.versions/<hash of its content>``.

The new version is finished, synced and checked beside the old one; then the link is renamed over the old link.
A reader sees the old site or the new one. Posts are files of their own, each replaced by rename.
"""

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from stages.archive.store import Archive
from stages.durable import sync_folder


def tree_hash(folder: Path) -> str:
    """SHA-256 (first 16 hex digits) over the relative paths and bytes of a tree, in path order."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
        with path.open("rb") as source:
            digest.update(hashlib.file_digest(source, "sha256").digest())
    return digest.hexdigest()[:16]


def publish_site(archive: Archive, built: Path) -> str:
    """Make a finished tree the site and return its hash. The version that was served before is kept, older ones go.

    The same content again changes nothing.
    """
    version = tree_hash(built)
    target = archive.versions / version
    archive.versions.mkdir(exist_ok=True)
    if target.is_dir() and tree_hash(target) == version:
        shutil.rmtree(built)
    else:
        shutil.rmtree(target, ignore_errors=True)
        os.replace(built, target)
        sync_folder(archive.versions)
    link = Path(".versions") / version
    before = Path(os.readlink(archive.site)) if archive.site.is_symlink() else None
    if before != link:
        fresh = archive.folder / ".site.new"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(link, target_is_directory=True)
        os.replace(fresh, archive.site)
        sync_folder(archive.folder)
    keep = {version, before.name if before else version}
    for old in archive.versions.iterdir():
        if old.name not in keep:
            shutil.rmtree(old, ignore_errors=True)
    return version


def publish_posts(archive: Archive, posts: Mapping[str, str]) -> int:
    """Make ``posts/`` hold exactly these files (relative path -> Markdown); returns how many changed."""
    changed = 0
    archive.posts.mkdir(exist_ok=True)
    for name, text in posts.items():
        path = archive.posts / name
        content = text.encode()
        if path.is_file() and path.read_bytes() == content:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".new")
        partial.write_bytes(content)
        os.replace(partial, path)
        changed += 1
    for path in sorted(archive.posts.rglob("*"), reverse=True):
        if path.is_file() and path.relative_to(archive.posts).as_posix() not in posts:
            path.unlink()
            changed += 1
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    return changed
