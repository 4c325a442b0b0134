"""What is large passes through a process of under 100 MB, both ways: memory does not grow with the file."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from stages.archive.storage.address import parse_address
from stages.archive.storage.client import Objects
from tests.servers.stores import BUCKET, Server

ROOT = Path(__file__).parents[4]
SIZE = 256 << 20

PROGRAM = """
import hashlib, sys
from pathlib import Path
from stages.archive.storage.address import parse_address
from stages.archive.storage.checkout import check_out, read_out
from stages.archive.storage.exports import fetch_exports
from stages.settings import load_settings

way, url, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
settings = load_settings().settings
if way == "put":
    with check_out(parse_address(url), settings, run_id="one", locked=True) as checkout:
        big = checkout.folder / "archive.duckdb"
        with big.open("wb") as file:
            for number in range(size >> 20):
                file.write(number.to_bytes(4, "big") * (1 << 18))
        print(checkout.put_back().bytes >> 20)
elif way == "get":
    with read_out(parse_address(url), settings, lambda manifest: manifest) as folder:
        with (folder / "archive.duckdb").open("rb") as file:
            print(hashlib.file_digest(file, "sha256").hexdigest())
else:
    [path] = fetch_exports(url, settings, Path(sys.argv[4]))
    print(path.stat().st_size)
print(next(int(line.split()[1]) >> 10 for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def run(server: Server, way: str, url: str, scratch: Path, *more: object) -> tuple[str, int]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **server.environment(scratch=scratch)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, way, url, str(SIZE), *map(str, more)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said, peak = done.stdout.split()
    return said, int(peak)


def test_a_large_database_is_streamed(heedless: Server, tmp_path: Path) -> None:
    url = heedless.fresh()
    sent, put_mb = run(heedless, "put", url, tmp_path)
    assert sent == "256"
    assert put_mb < 100
    digest = hashlib.sha256()
    for number in range(SIZE >> 20):
        digest.update(number.to_bytes(4, "big") * (1 << 18))
    found, get_mb = run(heedless, "get", url, tmp_path)
    assert found == digest.hexdigest()
    assert get_mb < 100


def test_a_large_export_is_streamed(heedless: Server, tmp_path: Path) -> None:
    export = tmp_path / "WhatsApp Chat with Marisol Vexley.ZIP"
    with export.open("wb") as file:
        file.truncate(SIZE)
    uploads = Objects(parse_address(f"s3://{BUCKET}/uploads"), heedless.settings())
    uploads.put_file(export.name, export, content_type="application/zip")  # in parts, as a site's films are
    scratch = tmp_path / "exports"
    size, peak_mb = run(heedless, "export", f"s3://{BUCKET}/uploads/{export.name}", tmp_path, scratch)
    assert size == str(SIZE)
    assert peak_mb < 100
    assert [path.name for path in scratch.iterdir()] == ["export-1.zip"]
