"""The base image of the Dockerfile on an engine that may have no registry to pull it from.

What cannot be pulled is made by debootstrap from the machine's own package mirror: the same Debian with the same
Python, under the same name, for tests. It is kept in the user's cache, so that it is made once.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stages.errors import StreamlinerError

SUITE = "bookworm"
PACKAGES = "ca-certificates,python3.11,python3.11-venv,python3-pip"
_SETUP = """
set -eu
for name in python python3 python3.11; do ln -sf /usr/bin/python3.11 /usr/local/bin/$name; done
ln -sf /usr/bin/pip3 /usr/local/bin/pip
rm -f /usr/lib/python3.11/EXTERNALLY-MANAGED
update-ca-certificates >/dev/null
apt-get clean
rm -rf /var/lib/apt/lists/* /usr/share/doc/* /usr/share/man/* /usr/share/info/* /usr/share/locale/* /var/log/*
"""
"""What makes a bare Debian answer to the names that the real base has."""

_CERTIFICATES = Path("/usr/local/share/ca-certificates")


def base_name(checkout: Path) -> str:
    """The image that the Dockerfile starts from."""
    found = re.search(r"^FROM (\S+)", (checkout / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise StreamlinerError("The Dockerfile names no base image.")
    return found[1]


def ensure_base(client: Any, checkout: Path, say: Callable[[str], None]) -> None:
    """Have the base on this engine: there already, pulled, or a stand-in. Cost: up to two minutes, once a machine."""
    name = base_name(checkout)
    if client.images.list(name=name):
        say(f"Base image: {name} is there")
        return
    if _pulled(client, name):
        say(f"Base image: {name} was pulled")
        return
    archive = stand_in(checkout / "build", say)
    client.api.import_image_from_file(str(archive), repository=name.partition(":")[0], tag=name.partition(":")[2])
    say(f"Base image: a stand-in for {name}, because no registry answers")


def stand_in(work: Path, say: Callable[[str], None]) -> Path:
    """The stand-in as a tar file, made when this machine has none yet. Raises :class:`StreamlinerError`."""
    certificates = sorted(_CERTIFICATES.glob("*.crt")) if _CERTIFICATES.is_dir() else []
    recipe = "\0".join([SUITE, PACKAGES, _SETUP, *(file.read_text(errors="replace") for file in certificates)])
    name = f"base-{hashlib.sha256(recipe.encode()).hexdigest()[:16]}.tar"
    kept = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "streamliner" / name
    if kept.is_file():
        return kept
    debootstrap = shutil.which("debootstrap") or shutil.which("debootstrap", path="/usr/sbin:/sbin")
    if debootstrap is None or os.geteuid() != 0:
        raise StreamlinerError(
            "The base image cannot be pulled, and a stand-in for it needs root and debootstrap; on Debian: "
            "apt-get install debootstrap"
        )
    say("Base image: no registry answers; making a stand-in (a minute or two, kept for the next time)")
    kept.parent.mkdir(parents=True, exist_ok=True)
    work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=work, prefix="base-") as folder:
        root = Path(folder) / "root"
        mirror = apt_mirror()
        options = ("--variant=minbase", f"--include={PACKAGES}")
        _run([debootstrap, *options, SUITE, str(root), *([mirror] if mirror else [])])
        for file in certificates:
            shutil.copy(file, root / "usr/local/share/ca-certificates" / file.name)
        _run(["chroot", str(root), "/bin/sh", "-c", _SETUP])
        tar = Path(folder) / name
        left_out = [f"--exclude=./{part}/*" for part in ("dev", "proc", "sys", "tmp")]
        _run(["tar", "--numeric-owner", *left_out, "-C", str(root), "-cf", str(tar), "."])
        shutil.copy(tar, kept.with_suffix(".part"))
        kept.with_suffix(".part").rename(kept)
    return kept


def apt_mirror() -> str | None:
    """The Debian mirror that this machine's own package manager uses, or None for debootstrap's default."""
    targets = ["apt-get", "indextargets", "--format", "$(ORIGIN) $(RELEASE) $(COMPONENT) $(REPO_URI)"]
    try:
        answer = subprocess.run(targets, capture_output=True, text=True, check=False, timeout=60).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    for line in answer.splitlines():
        origin, release, component, address = ([*line.split(" "), "", "", ""])[:4]
        if component == "main" and "-" not in release and (origin == "Debian" or release == SUITE):
            return address.rstrip("/")
    return None


def _pulled(client: Any, name: str) -> bool:
    import requests
    from docker.errors import APIError

    try:
        client.images.pull(*name.split(":", 1))
    except (APIError, requests.exceptions.RequestException):
        return False
    return True


def _run(command: list[str]) -> None:
    """Run a program quietly; its last words are in the error."""
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    environment["PATH"] = environment.get("PATH", "") + ":/usr/sbin:/sbin"
    done = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        last = " ".join(done.stdout.splitlines()[-4:])
        raise StreamlinerError(f"{Path(command[0]).name} failed with exit status {done.returncode}: {last}")
