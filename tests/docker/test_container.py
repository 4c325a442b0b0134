"""The sample through server, work pool, worker and container, on a real Docker engine: `make docker-test`."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from deployments.base_image import ensure_base
from deployments.engine import Engine
from deployments.server import PrefectServer
from stages.archive.inbox import stage_export, take_export

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

CHECKOUT = Path(__file__).resolve().parents[2]
WORK = CHECKOUT / "build" / "docker-test"
KEY = hashlib.sha256(b"the key of the container test").hexdigest()
POOL = "streamliner"


class Stack:
    """One server, one engine and one host's folders, as a worker's machine has them."""

    def __init__(self, server: PrefectServer, engine: Engine, client: Any) -> None:
        self.server = server
        self.engine = engine
        self.client = client
        self.pool_id: str | None = None
        self.archives = WORK / "archives"
        self.user = (10001, 10001) if os.geteuid() == 0 else (os.getuid(), os.getgid())
        self.environment = {
            **server.environment(),
            **engine.environment(),
            "DEPLOY_ARCHIVES": str(self.archives),
            "DEPLOY_CONFIG": str(WORK / "config"),
            "DEPLOY_SECRETS": str(WORK / "secrets"),
            "DEPLOY_USER": "{}:{}".format(*self.user),
            "DEPLOY_NETWORK_MODE": "host",
            "DEPLOY_BUILD_NETWORK": "host",
        }

    def run(self, *arguments: str, module: str = "flows") -> subprocess.CompletedProcess[str]:
        """A command of this environment; its output is shown by pytest when a test fails."""
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=CHECKOUT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        print(f"$ {module} {' '.join(arguments)}\n{done.stdout[-3000:]}{done.stderr[-6000:]}")
        return done

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """The server's API: GET, or POST with a body."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.server.api}{path}", data=data, headers={"Content-Type": "application/json"})
        with urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def containers(self) -> list[Any]:
        """Those that our own pool's runs were given; the engine may be another one's."""
        if self.pool_id is None:
            return []
        found: list[Any] = self.client.containers.list(
            all=True, filters={"label": f"io.prefect.work-pool-id={self.pool_id}"}
        )
        return found

    def give(self, folder: Path) -> None:
        """Let the container's user own what it will find mounted."""
        if os.geteuid() == 0:
            for path in [folder, *folder.rglob("*")]:
                os.chown(path, *self.user, follow_symlinks=False)


@pytest.fixture(scope="module")
def sample() -> Path:
    folder = WORK / "sample"
    subprocess.run([sys.executable, "-m", "samples", str(folder)], cwd=CHECKOUT, check=True, stdin=subprocess.DEVNULL)
    return folder / "sample-android.zip"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    shutil.rmtree(WORK, ignore_errors=True)
    for name in ("archives/chat", "config", "secrets"):
        (WORK / name).mkdir(parents=True)
    # the sites that the sample links to are not the tests' own
    for name, value in {"STREAMLINER_PRIVACY__KEY": KEY, "STREAMLINER_FETCH__ENABLED": "false"}.items():
        secret = WORK / "secrets" / name
        secret.write_text(value, encoding="utf-8")
        secret.chmod(0o400)
    engine = Engine(CHECKOUT / "build" / "engine")
    server = PrefectServer(WORK / "prefect")
    try:
        engine.start()
        with closing(engine.client()) as client:
            ensure_base(client, CHECKOUT, print)
            server.start()
            stack = Stack(server, engine, client)
            try:
                yield stack
            finally:
                for container in stack.containers():
                    container.remove(force=True)
    finally:
        server.stop()
        engine.stop()
        shutil.rmtree(WORK, ignore_errors=True)


@pytest.fixture(scope="module")
def deployed(stack: Stack) -> Stack:
    first = stack.run("deploy", "--json")
    assert first.returncode == 0, first.stderr[-2000:]
    actions = {row["kind"]: row["action"] for row in json.loads(first.stdout)}
    assert actions.pop("image") in {"built", "unchanged"}, "an engine that is not ours may have it"
    assert actions == {"limit": "created", "work pool": "created", "deployment": "created"}
    stack.pool_id = stack.ask(f"/work_pools/{POOL}")["id"]
    return stack


@pytest.fixture(scope="module")
def container_run(deployed: Stack, sample: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """A run of the deployment in a container: (flow run as the server has it, container as the engine has it)."""
    archive = deployed.archives / "chat"
    stage_export(take_export(sample), archive)
    for folder in (deployed.archives, WORK / "config", WORK / "secrets"):
        deployed.give(folder)
    parameters = json.dumps({"request": {"archive": "/archives/chat"}})
    started = deployed.run("deployment", "run", "publish/default", "--params", parameters, module="prefect")
    assert started.returncode == 0, started.stderr[-2000:]
    worker = deployed.run(
        *("worker", "start", "--pool", POOL, "--type", "docker", "--run-once", "--install-policy", "never"),
        module="prefect",
    )
    [run] = deployed.ask("/flow_runs/filter", {"flow_runs": {"deployment_id": {"is_null_": False}}})
    [container] = deployed.containers()
    print(container.logs().decode(errors="replace")[-6000:])
    assert worker.returncode == 0, worker.stderr[-2000:]
    return run, container.attrs


def tree(site: Path) -> dict[str, bytes]:
    """Every file of a site by its path."""
    return {path.relative_to(site).as_posix(): path.read_bytes() for path in sorted(site.rglob("*")) if path.is_file()}


def fingerprint(files: dict[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, content in files.items():
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def test_deploying_again_changes_nothing(deployed: Stack) -> None:
    again = deployed.run("deploy", "--json")
    assert again.returncode == 0
    assert {row["action"] for row in json.loads(again.stdout)} == {"unchanged"}


def test_a_parameter_out_of_range_is_refused_before_a_container_starts(deployed: Stack) -> None:
    parameters = json.dumps({"request": {"archive": "/archives/chat", "days": 0}})
    refused = deployed.run("deployment", "run", "publish/default", "--params", parameters, module="prefect")
    assert refused.returncode != 0
    assert deployed.ask("/flow_runs/filter", {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}}) == []


def test_the_container_makes_the_bytes_of_a_direct_run(
    deployed: Stack,
    sample: Path,
    container_run: tuple[dict[str, Any], dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    run, _ = container_run
    assert run["state"]["type"] == "COMPLETED", run["state"]
    direct = WORK / "direct"
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "STREAMLINER_"))
    }
    subprocess.run(
        [sys.executable, "-m", "flows", "publish", str(sample), "--archive", str(direct), "--quiet"],
        cwd=CHECKOUT,
        env=environment | {"STREAMLINER_PRIVACY__KEY": KEY, "STREAMLINER_FETCH__ENABLED": "false"},
        check=True,
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
    here, there = tree(direct / "site"), tree(deployed.archives / "chat" / "site")
    with capsys.disabled():
        print(f"\nsite of the direct run  sha256 {fingerprint(here)}  {len(here)} files")
        print(f"site of the container   sha256 {fingerprint(there)}  {len(there)} files")
    assert "index.html" in here
    assert sorted(here) == sorted(there)
    assert [name for name in here if here[name] != there[name]] == []


def test_the_run_leaves_its_performance_on_the_server(
    deployed: Stack, container_run: tuple[dict[str, Any], dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    run, _ = container_run
    wanted = {"key": {"any_": ["performance-metrics"]}, "flow_run_id": {"any_": [run["id"]]}}
    [artifact] = deployed.ask("/artifacts/filter", {"artifacts": wanted})
    with capsys.disabled():
        print(f"\nperformance-metrics of the run in the container\n\n{artifact['data']}\n")
    assert "|" in artifact["data"]


def test_the_container_may_do_nothing_that_it_need_not(
    container_run: tuple[dict[str, Any], dict[str, Any]], deployed: Stack
) -> None:
    _, container = container_run
    host = container["HostConfig"]
    assert container["Config"]["User"] == "{}:{}".format(*deployed.user)
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert not host["Privileged"]
    assert host["ReadonlyRootfs"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert host["PidsLimit"] == 512
    assert host["Memory"] == 2 << 30
    assert host["Init"] is True
    assert list(host["Tmpfs"]) == ["/tmp"]
    assert {mount["Destination"]: mount["RW"] for mount in container["Mounts"] if mount["Destination"] != "/tmp"} == {
        "/archives": True,
        "/config": True,
        "/run/secrets": False,
    }
    assert not [mount for mount in container["Mounts"] if "docker.sock" in mount["Source"]]


def test_the_key_is_nowhere_in_what_the_server_and_the_engine_keep(
    deployed: Stack, container_run: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    _, container = container_run
    assert KEY not in json.dumps(container)
    [running] = deployed.containers()
    assert KEY.encode() not in running.logs()
    assert not list((WORK / "config").rglob("*")), "with a key from outside, none is made"
    kept = [path for path in deployed.server.folder.rglob("*") if path.is_file()]
    assert [path.name for path in kept if KEY.encode() in path.read_bytes()] == []


def test_the_image_is_small_and_holds_nothing_that_builds(deployed: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    deployment = deployed.ask("/deployments/name/publish/default")
    image = deployed.client.images.get(deployment["job_variables"]["image"])
    size = image.attrs["Size"] / 1e6
    with capsys.disabled():
        print(f"\n{image.tags[0]}: {size:.0f} MB")
    assert size < 750
    assert image.attrs["Config"]["User"] == "10001:10001"
    script = (
        "for tool in gcc cc c++ make ld uv git curl; do ! command -v $tool || exit 1; done; "
        "! python -c 'import pip' 2>/dev/null && ! python -c 'import setuptools' 2>/dev/null && "
        'test "$(id -u)" = 10001 && ! touch /opt/streamliner/app/x 2>/dev/null'
    )
    deployed.client.containers.run(
        image, ["sh", "-c", script], network_mode="host", read_only=True, tmpfs={"/tmp": ""}, remove=True
    )


def test_destroying_takes_away_what_was_deployed(
    deployed: Stack, container_run: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    run, _ = container_run
    destroyed = deployed.run("deploy", "--destroy", "--json")
    assert destroyed.returncode == 0
    assert {row["action"] for row in json.loads(destroyed.stdout)} == {"removed"}
    assert deployed.ask("/work_pools/filter", {}) == []
    assert deployed.ask(f"/flow_runs/{run['id']}")["state"]["type"] == "COMPLETED", "runs are kept"
