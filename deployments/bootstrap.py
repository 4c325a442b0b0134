"""``streamliner deploy``: makes a server as prefect.yaml wants it, and changes nothing that is so already.

What is there is read and compared first; only differences are sent, so that the second time no ``updated`` stamp
moves. The image comes before all that name it, limits before the pool, the pool before the deployments.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployments.place import CHECKOUT, describe
from deployments.pools import POOL_TYPES, PoolType
from deployments.wanted import Fields, Wanted, read_wanted
from stages.errors import BadInput

Row = tuple[str, str, str]
"""(kind, name, action): what was done, would be done, or was as wanted."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Piece:
    """One thing on the server: what is wanted of it, and the calls that read, make, change and remove it."""

    kind: str
    name: str
    wanted: Fields
    read: Callable[[str], Fields | None]
    create: Callable[[str, Fields], None]
    update: Callable[[str, Fields], None]
    delete: Callable[[str], None]


def deploy(
    pool_type: PoolType = "docker",
    build: bool = True,
    dry_run: bool = False,
    destroy: bool = False,
    say: Say = lambda line: None,
    *,
    checkout: Path = CHECKOUT,
) -> list[Row]:
    """Reach the wanted state, or with ``destroy`` take it away; ``dry_run`` only tells the difference through ``say``.

    Raises :class:`BadInput`, with everything as it was, where there is no server, a wrong key, no Docker engine, or
    a pool of another type under our name. Cost: one request per piece when nothing is to be done.
    """
    from deployments.api import connect

    if pool_type not in POOL_TYPES:
        raise BadInput(f"--pool-type: {pool_type!r} is none of {', '.join(POOL_TYPES)}.")
    place = describe()
    wanted = read_wanted(checkout, pool_type, place)
    with connect() as server:
        pieces = _pieces(wanted, server)
        if destroy:
            return [_remove(piece, dry_run, say) for piece in reversed(pieces)]
        there = server.pool(wanted.pool_name)
        if there and there["type"] != pool_type:
            raise BadInput(
                f"The work pool {wanted.pool_name!r} is there and of type {there['type']}, not {pool_type}; deploy "
                f"with --pool-type {there['type']}, or take it away with --destroy first."
            )
        rows: list[Row] = []
        if build and wanted.steps:
            from deployments.image import make_image

            rows.append(make_image(wanted.steps, place, checkout, say, dry_run=dry_run))
        return rows + [_reach(piece, dry_run, say) for piece in pieces]


def difference(wanted: Fields, found: Fields) -> Fields:
    """Those wanted fields that are not there, or are there with another value; fields not wanted do not count."""
    return {name: value for name, value in wanted.items() if _plain(found.get(name)) != _plain(value)}


def _plain(value: Any) -> Any:
    """A value as it is after a way to the server and back: lists for tuples, text without an end of line."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.strip() if isinstance(value, str) else value


def _pieces(wanted: Wanted, server: Any) -> list[Piece]:
    """Everything on the server, in the order in which it is made."""
    limit = (server.limit, server.create_limit, server.update_limit, server.delete_limit)
    pool = (server.pool, server.create_pool, server.update_pool, server.delete_pool)
    deployment = (server.deployment, server.create_deployment, server.update_deployment, server.delete_deployment)
    return [
        *(Piece("limit", name, fields, *limit) for name, fields in wanted.limits.items()),
        Piece("work pool", wanted.pool_name, wanted.pool, *pool),
        *(Piece("deployment", name, fields, *deployment) for name, fields in wanted.deployments.items()),
    ]


def _reach(piece: Piece, dry_run: bool, say: Say) -> Row:
    """Create what is missing, send what differs, leave the rest alone."""
    kind, name = piece.kind, piece.name
    found = piece.read(name)
    if found is None:
        if dry_run:
            say(f"{kind} {name}: is not there")
            return kind, name, "would be created"
        piece.create(name, piece.wanted)
        return kind, name, "created"
    changes = difference(piece.wanted, found)
    if not changes:
        return kind, name, "unchanged"
    if dry_run:
        for field, value in changes.items():
            say(f"{kind} {name}: {field}: {_short(found.get(field))} -> {_short(value)}")
        return kind, name, f"would be changed: {', '.join(changes)}"
    piece.update(name, changes)
    return kind, name, f"changed: {', '.join(changes)}"


def _remove(piece: Piece, dry_run: bool, say: Say) -> Row:
    """Take one piece away. Runs and archives are kept."""
    kind, name = piece.kind, piece.name
    if piece.read(name) is None:
        return kind, name, "was not there"
    if dry_run:
        say(f"{kind} {name}: is there")
        return kind, name, "would be removed"
    piece.delete(name)
    return kind, name, "removed"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    return text if len(text) <= 120 else f"{text[:117]}..."
