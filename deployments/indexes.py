"""Where packages come from on this machine, told to uv: it does not read pip's configuration.

    eval "$(python deployments/indexes.py)"

Standard library only: it runs before anything is installed.
"""

import configparser
import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

_FILES = ("/etc/xdg/pip/pip.conf", "/etc/pip.conf", "~/.pip/pip.conf", "~/.config/pip/pip.conf")


def pip_configuration(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """pip's settings for packages: its files, later ones first, then ``PIP_…`` variables."""
    names = [*_FILES, environment.get("PIP_CONFIG_FILE", "")]
    parser = configparser.RawConfigParser()
    parser.read([Path(name).expanduser() for name in names if name and name != os.devnull], encoding="utf-8")
    found: dict[str, str] = {}
    for section in ("global", "install"):
        if parser.has_section(section):
            found |= {name.replace("_", "-"): value for name, value in parser.items(section)}
    for name, value in environment.items():
        if name.startswith("PIP_"):
            found[name[4:].lower().replace("_", "-")] = value
    return found


def package_indexes(environment: Mapping[str, str] = os.environ, *, local: bool = True) -> dict[str, str]:
    """``index``, ``extra``, ``trusted`` and ``links`` as far as they are set; lists are separated by blanks.

    Folders of this machine are left out where they do not exist, and all of them without ``local``: a container does
    not see them.
    """
    pip = pip_configuration(environment)
    found = {
        "index": pip.get("index-url", ""),
        "extra": pip.get("extra-index-url", ""),
        "trusted": pip.get("trusted-host", ""),
        "links": pip.get("find-links", ""),
    }
    kept = {name: " ".join(item for item in value.split() if _usable(item, local)) for name, value in found.items()}
    return {name: value for name, value in kept.items() if value}


def uv_variables(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables by which uv looks where pip would. One that is set already stays."""
    indexes = package_indexes(environment)
    variables = {
        "UV_DEFAULT_INDEX": indexes.get("index"),
        "UV_INDEX": indexes.get("extra"),
        "UV_INSECURE_HOST": indexes.get("trusted"),
        "UV_FIND_LINKS": ",".join(indexes["links"].split()) if "links" in indexes else None,
        # hashes decide what is installed, so it may come from any of the indexes, as with pip
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_PYTHON_DOWNLOADS": "never",
        "SSL_CERT_FILE": pip_configuration(environment).get("cert"),
    }
    return {name: value for name, value in variables.items() if value and name not in environment}


def _usable(item: str, local: bool) -> bool:
    address = urlsplit(item)
    if address.scheme in ("http", "https"):
        return True
    if address.scheme == "file" or item.startswith(("/", ".", "~")):
        return local and Path(address.path if address.scheme else item).expanduser().exists()
    return True  # a host name of trusted-host


if __name__ == "__main__":
    for name, value in uv_variables().items():
        print(f"export {name}={shlex.quote(value)}")
