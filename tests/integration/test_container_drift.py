# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What was changed inside containers is found, kept and undone, and nothing else of them changes."""

from __future__ import annotations

import json
import typing as t

import docker
import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.containers import drift_render
from ansible_collections.caisson.hardening.plugins.module_utils.containers.drift_apply import Run
from ansible_collections.caisson.hardening.plugins.module_utils.containers.drift_plan import Settings
from ansible_collections.caisson.hardening.plugins.module_utils.containers.engine import Engine
from ansible_collections.caisson.hardening.plugins.module_utils.containers.observe import observe
from ansible_collections.caisson.hardening.tests.support import images
from ansible_collections.caisson.hardening.tests.support.containers import Deployer, waiver
from ansible_collections.caisson.hardening.tests.support.proxy import EngineProxy
from ansible_collections.caisson.hardening.tests.support.run_module import run_module, start_module

Json = t.Dict[str, t.Any]
PLANT = "echo x > /bin/planted; echo y >> /etc/passwd; rm /bin/cal"
PLANTED = {"added": ["/bin/planted"], "changed": ["/etc/passwd"], "deleted": ["/bin/cal"]}
NONE: dict[str, list[str]] = {"added": [], "changed": [], "deleted": []}
BOTH = ["snapshot", "recreate"]


@pytest.fixture
def deployer(api: docker.APIClient, docker_host: str, busybox: str, unique: str) -> t.Iterator[Deployer]:
    yield Deployer(api, docker_host, unique, busybox)
    for image in api.images(name=unique):
        api.remove_image(image["Id"], force=True)


class Look:
    """Runs the module over the containers of the test, by their short names."""

    def __init__(self, deployer: Deployer) -> None:
        self.deployer = deployer

    def arguments(self, **options: t.Any) -> Json:
        given = {"docker_host": self.deployer.docker_host, "snapshot_repository": self.deployer.prefix}
        scope = {} if {"containers", "all"} & set(options) else {"project": self.deployer.prefix}
        return {**given, **scope, "settle_time": 0.3, **options}

    def __call__(self, *, check: bool = False, **options: t.Any) -> Json:
        return run_module("container_drift", self.arguments(**options), check=check)

    def good(self, **options: t.Any) -> Json:
        result = self(**options)
        assert not result.get("failed"), result["msg"]
        return result

    def entries(self, result: Json) -> dict[str, Json]:
        return {entry["name"][len(self.deployer.prefix) + 1 :]: entry for entry in result["containers"]}

    def plant(self, short: str, line: str = PLANT) -> None:
        status, output = self.deployer.execute(short, "sh", "-c", line, user="0")
        assert status == 0, output


@pytest.fixture
def look(deployer: Deployer) -> Look:
    return Look(deployer)


def writable(deployer: Deployer, short: str, **options: t.Any) -> Json:
    return deployer.spec(short, read_only=False, **{"waivers": waiver("read_only"), **options})


def test_a_read_only_container_shows_none_and_a_planted_file_in_a_writable_one_is_found(
    deployer: Deployer, look: Look
) -> None:
    mounts = ["/srv/data", f"{deployer.prefix}-v:/var/lib/app", "/usr/share:/host/share:ro"]
    deployer.deploy(
        deployer.spec("safe", volumes=mounts, tmpfs=["/var/cache/x"]),
        writable(deployer, "open", volumes=mounts, tmpfs=["/var/cache/x"]),
        writable(deployer, "idle", state="stopped"),
    )
    assert deployer.execute("safe", "touch", "/bin/planted", user="0")[0] != 0
    look.plant("safe", "touch /tmp/x /srv/data/x /var/lib/app/x /var/cache/x/y")
    clean = look.good()
    assert [entry["drift"] for entry in clean["containers"]] == [NONE] * 3
    assert not clean["drift"]
    assert not clean["changed"]

    look.plant("open", f"{PLANT}; touch /tmp/x /srv/data/x /var/lib/app/x; chmod 700 /home")
    found = look.good()
    entries = look.entries(found)
    assert entries["open"]["drift"] == {**PLANTED, "changed": ["/etc/passwd", "/home"]}
    assert entries["open"]["action"] == "reported"
    assert not entries["open"]["read_only"]
    assert entries["safe"]["read_only"]
    assert entries["safe"]["drift"] == entries["idle"]["drift"] == NONE
    assert found["drift"]
    assert not found["changed"]
    assert {each["object"][len(deployer.prefix) + 1 :]: each["outcome"] for each in found["findings"]} == {
        "safe": "pass", "open": "fail", "idle": "pass",
    }  # fmt: skip

    deployer.api.stop(deployer.name("open"), timeout=1)
    assert look.entries(look.good())["open"]["drift"] == entries["open"]["drift"], "a stopped container tells too"


def test_failing_names_each_container_and_its_paths_after_all_were_looked_at(deployer: Deployer, look: Look) -> None:
    deployer.deploy(*(writable(deployer, name) for name in ("a", "b", "c")))
    look.plant("a")
    look.plant("c", "for n in 1 2 3 4 5 6 7 8 9 10 11 12; do echo > /home/$n; done")
    result = look(on_drift=["fail"])
    assert result["failed"]
    assert f"2 of 3 containers drifted:\n  {deployer.name('a')}: deleted /bin/cal, added /bin/planted" in result["msg"]
    assert f"{deployer.name('c')}: added /home/1" in result["msg"]
    assert "and 2 more" in result["msg"]
    assert len(look.entries(result)["c"]["drift"]["added"]) == 12
    assert not result["changed"]


def test_declared_paths_are_no_drift_whether_the_run_or_the_spec_declares_them(deployer: Deployer, look: Look) -> None:
    spec = writable(deployer, "web", drift_ignore=["/var/lib/app/**", "/etc/*.lock"])
    deployer.deploy(spec)
    assert deployer.deploy(spec)["actions"] == []
    look.plant("web", "mkdir -p /var/lib/app/x; echo > /var/lib/app/x/y; echo > /etc/a.lock; echo > /etc/b.conf")
    found = look.entries(look.good())["web"]
    assert found["drift"] == {**NONE, "added": ["/etc/b.conf"]}
    assert found["ignored"] == 4
    assert look.entries(look.good(ignore=["/etc/?.conf"]))["web"]["drift"] == NONE

    label = deployer.inspect("web")["Config"]["Labels"]["caisson.hardening.drift_ignore"]
    assert json.loads(label) == ["/etc/*.lock", "/var/lib/app"]
    dropped = deployer.deploy({**spec, "drift_ignore": None})
    assert any("drift_ignore" in reason for reason in dropped["containers"][0]["reasons"])
    bad = deployer.run({**spec, "drift_ignore": ["etc", "/a**"]})
    assert "does not begin with '/'" in bad["msg"]


def test_a_snapshot_holds_what_was_planted_and_says_what_it_is(deployer: Deployer, look: Look) -> None:
    deployer.deploy(writable(deployer, "web"), writable(deployer, "clean"))
    look.plant("web")
    predicted = look(check=True, on_drift="snapshot")
    assert not deployer.api.images(name=deployer.prefix)
    result = look.good(on_drift="snapshot")
    assert (
        predicted["actions"] == result["actions"] == [f"{deployer.name('web')}: snapshot {deployer.prefix} (3 paths)"]
    )
    assert predicted["changed"]
    assert result["changed"]
    entries = look.entries(result)
    assert entries["clean"]["snapshot"] == ""
    image = deployer.api.inspect_image(entries["web"]["snapshot"])
    labels = image["Config"]["Labels"]
    said = {key: labels[f"caisson.hardening.snapshot.{key}"] for key in ("container", "project", "paths")}
    assert said == {"container": deployer.name("web"), "project": deployer.prefix, "paths": "3"}
    assert labels["caisson.hardening.snapshot.time"].endswith("Z")
    assert not labels["caisson.hardening.project"], "a container of it is not under management"
    assert entries["web"]["snapshot"].startswith(f"{deployer.prefix}:{deployer.name('web')}-2")
    kept = deployer.api.create_container(entries["web"]["snapshot"], name=deployer.name("forensics"), command="x")
    archive, _stat = deployer.api.get_archive(kept["Id"], "/bin/planted")
    assert b"x\n" in b"".join(archive)
    state = deployer.inspect("web")["State"]
    assert state["Running"]
    assert not state["Paused"]

    again = look.good(on_drift="snapshot")
    assert not again["changed"], "the same paths of the same container are kept once"
    assert deployer.name("forensics") not in [entry["name"] for entry in again["containers"]]
    look.plant("web", "touch /bin/more")
    assert look.good(on_drift="snapshot")["changed"]


def test_recreating_removes_the_drift_and_keeps_data_and_configuration(deployer: Deployer, look: Look) -> None:
    spec = writable(
        deployer, "web", volumes=[f"{deployer.prefix}-data:/data", "/scratch"], env={"WORD": "hunter2"},
        healthcheck={"test": "true", "interval": "200ms"}, published_ports=["127.0.0.1:18080:80"],
        networks=[{"name": deployer.prefix, "aliases": ["www"]}],
    )  # fmt: skip
    deployer.deploy(deployer.spec("first"), writable(deployer, "idle", state="stopped"))
    deployer.deploy(spec)
    look.plant("web", f"{PLANT}; echo kept > /data/x; echo kept > /scratch/x")
    deployer.api.start(deployer.name("idle"))
    look.plant("idle")
    deployer.api.stop(deployer.name("idle"), timeout=1)
    before = deployer.inspect("web")
    predicted = look(check=True, on_drift=BOTH)
    assert deployer.inspect("web")["Id"] == before["Id"]
    result = look.good(on_drift=BOTH)
    for key in ("changed", "actions", "diff", "findings", "score", "drift"):
        assert predicted[key] == result[key], key
    assert result["diff"]["before"].count("\n") == 6
    assert result["diff"]["after"] == ""
    assert {name: entry["action"] for name, entry in look.entries(result).items()} == {
        "first": "unchanged", "idle": "recreated", "web": "recreated",
    }  # fmt: skip
    assert look.entries(result)["web"]["snapshot"]
    after = deployer.inspect("web")
    assert after["Id"] != before["Id"]
    assert observe(after) == observe(before)
    assert {m["Destination"]: m["Name"] for m in after["Mounts"]} == {
        m["Destination"]: m["Name"] for m in before["Mounts"]
    }
    assert deployer.shell("web", "cat /data/x /scratch/x") == (0, "kept\nkept\n")
    assert deployer.execute("web", "test", "-e", "/bin/planted")[0] == 1
    assert deployer.execute("web", "test", "-e", "/bin/cal")[0] == 0
    assert after["State"]["Running"]
    assert not deployer.inspect("idle")["State"]["Running"], "a stopped one stays stopped"
    assert deployer.names() == {"first", "idle", "web"}
    assert "hunter2" not in str(result)

    second = look.good(on_drift=BOTH)
    assert not second["drift"]
    assert not second["changed"]
    assert second["score"] == {"total": 3, "before": 3, "after": 3}
    assert deployer.deploy(spec)["actions"] == [], "the deploying module finds it as it left it"


def test_options_that_no_spec_knows_come_back_too(deployer: Deployer, look: Look) -> None:
    api, name = deployer.api, deployer.name("odd")
    reference = f"{deployer.prefix}-odd:1"
    changes = ["VOLUME /image-data", 'ENTRYPOINT ["sh", "-c"]', 'CMD ["exit 9"]', "ENV PATH=/bin", "LABEL from=image"]
    api.import_image_from_data(images.busybox_file_system(), f"{deployer.prefix}-odd", "1", changes=changes)
    pools = docker.types.IPAMConfig(pool_configs=[docker.types.IPAMPool(subnet="10.231.7.0/24")])
    api.create_network(deployer.prefix, ipam=pools)
    api.create_network(f"{deployer.prefix}-b")
    api.create_container_from_config(
        {
            "Image": reference, "Entrypoint": [""], "Cmd": ["sleep", "1000"], "Tty": True, "OpenStdin": True,
            "Labels": {"caisson.hardening.project": deployer.prefix}, "Hostname": "odd", "Domainname": "example.org",
            "Volumes": {"/by-config": {}}, "StopTimeout": 1, "MacAddress": "02:42:0a:e7:07:63",
            "HostConfig": {
                "NetworkMode": deployer.prefix, "CpuShares": 7, "ExtraHosts": ["db:10.0.0.1"], "Dns": ["10.0.0.2"],
                "GroupAdd": ["7"], "CapAdd": ["NET_ADMIN"], "CpusetCpus": "0", "OomScoreAdj": 5, "Privileged": False,
                "Mounts": [{"Type": "volume", "Target": "/by-mount"}, {"Type": "tmpfs", "Target": "/scratch"}],
                "Binds": [f"{deployer.prefix}-data:/data:ro"], "SecurityOpt": ["seccomp=unconfined"], "ShmSize": 2**20,
                "UTSMode": "", "IpcMode": "shareable", "ReadonlyPaths": [], "MaskedPaths": [],
                "Devices": [{"PathOnHost": "/dev/null", "PathInContainer": "/dev/x", "CgroupPermissions": "r"}],
                "Ulimits": [{"Name": "nofile", "Soft": 64, "Hard": 64}], "MemoryReservation": 2**23, "Init": True,
            },
            "NetworkingConfig": {"EndpointsConfig": {deployer.prefix: {
                "IPAMConfig": {"IPv4Address": "10.231.7.99"}, "Aliases": ["www", "odd"]}}},
        },
        name,
    )  # fmt: skip
    api.connect_container_to_network(name, f"{deployer.prefix}-b", aliases=["inner"])
    api.start(name)
    look.plant("odd", f"{PLANT}; for d in image-data by-config by-mount; do echo kept > /$d/x; done")
    before = deployer.inspect("odd")
    assert before["Config"]["Entrypoint"] is None
    result = look.good(on_drift="recreate")
    after = deployer.inspect("odd")
    assert look.entries(result)["odd"]["action"] == "recreated"
    assert after["Id"] != before["Id"]
    assert observe(after) == observe(before)
    own = ("Hostname", "Image") if before["Config"]["Hostname"] != "odd" else ()
    assert {k: v for k, v in after["Config"].items() if k not in own} == {
        k: v for k, v in before["Config"].items() if k not in own
    }
    changed = {key for key, value in after["HostConfig"].items() if value != before["HostConfig"][key]}
    assert changed <= {"Binds", "Mounts"}, "only that the anonymous volumes have names now"
    addresses = [each["NetworkSettings"]["Networks"][deployer.prefix]["IPAddress"] for each in (before, after)]
    assert addresses == ["10.231.7.99"] * 2
    kept = deployer.execute("odd", "cat", "/image-data/x", "/by-config/x", "/by-mount/x", user="0")
    assert kept == (0, "kept\nkept\nkept\n")
    assert deployer.execute("odd", "test", "-e", "/bin/planted")[0] == 1
    assert not look.good(on_drift="recreate")["changed"]
    api.remove_container(name, force=True, v=True)
    api.remove_image(reference, force=True)


def test_containers_that_share_networks_come_back_too(deployer: Deployer, look: Look) -> None:
    api = deployer.api
    deployer.deploy(deployer.spec("main", hostname="main"))
    modes = {"inside": f"container:{deployer.name('main')}", "host": "host", "none": "none", "linked": "default"}
    for short, mode in modes.items():
        links = [f"{deployer.name('peer')}:db"] if short == "linked" else None
        if links:
            api.create_container(deployer.image, ["sleep", "1000"], name=deployer.name("peer"), stop_signal="KILL")
            api.start(deployer.name("peer"))
        body = {
            "Image": deployer.image, "Cmd": ["sleep", "1000"], "StopTimeout": 1,
            "Labels": {"caisson.hardening.project": deployer.prefix},
            "HostConfig": {"NetworkMode": mode, "Links": links, "Init": True},
        }  # fmt: skip
        api.create_container_from_config(body, deployer.name(short))
        api.start(deployer.name(short))
        look.plant(short)
    before = {short: deployer.inspect(short) for short in modes}
    result = look.good(on_drift="recreate")
    assert {name: entry["action"] for name, entry in look.entries(result).items()} == {
        **dict.fromkeys(modes, "recreated"), "main": "unchanged",
    }  # fmt: skip
    for short, former in before.items():
        assert observe(deployer.inspect(short)) == observe(former), short
        assert deployer.inspect(short)["State"]["Running"]
    assert deployer.execute("linked", "grep", "db", "/etc/hosts")[0] == 0


def test_an_image_name_that_stands_for_another_image_by_now_does_not_change_the_container(
    deployer: Deployer, look: Look
) -> None:
    api, repository = deployer.api, f"{deployer.prefix}-moved"
    api.tag(deployer.image, repository, "1")
    deployer.deploy(writable(deployer, "web", image=f"{repository}:1"))
    look.plant("web")
    api.import_image_from_data(images.busybox_file_system(), repository, "1", changes=["ENV OTHER=1", "ENV PATH=/bin"])
    before = deployer.inspect("web")
    look.good(on_drift="recreate")
    after = deployer.inspect("web")
    assert after["Image"] == before["Image"] != api.inspect_image(f"{repository}:1")["Id"]
    assert after["Id"] != before["Id"]
    api.remove_container(after["Id"], force=True)
    api.remove_image(f"{repository}:1", force=True)


def test_a_failing_replacement_leaves_the_old_one_serving_and_the_others_are_replaced(
    deployer: Deployer, look: Look
) -> None:
    # At its second start, which is the successor's, its program misses what was planted; the old one has it.
    missing = (
        "test -e /data/mark && ! test -e /bin/planted && echo $WORD refused && exit 3; echo > /data/mark; sleep 99"
    )
    deployer.deploy(
        writable(deployer, "web", command=["sh", "-c", missing], volumes=[f"{deployer.prefix}-d:/data"], user="0",
                 waivers=waiver("read_only", "user"), restart_policy="no", env={"WORD": "hunter2"}),
        writable(deployer, "other"),
    )  # fmt: skip
    for short in ("web", "other"):
        look.plant(short)
    old = deployer.inspect("web")["Id"]
    result = look(on_drift=["recreate"])
    assert result["failed"]
    assert "exit status 3; the former container serves again" in result["msg"]
    assert "VALUE_NOT_SHOWN refused" in result["msg"]
    assert "hunter2" not in str(result)
    entries = look.entries(result)
    assert entries["web"]["action"] == "failed"
    assert entries["other"]["action"] == "recreated"
    assert deployer.inspect("web")["Id"] == old
    assert deployer.inspect("web")["State"]["Running"]
    assert deployer.names() == {"web", "other"}
    assert {each["object"]: each["outcome"] for each in result["findings"]} == {
        deployer.name("web"): "fail", deployer.name("other"): "pass",
    }  # fmt: skip


def test_twenty_containers_in_one_run(deployer: Deployer, look: Look) -> None:
    names = [f"c{number:02}" for number in range(20)]
    deployer.deploy(*(writable(deployer, name) for name in names), parallel=8)
    for name in names[::2]:
        look.plant(name)
    result = look.good(on_drift=["recreate"], parallel=8)
    assert [entry["action"] for entry in result["containers"]] == ["recreated", "unchanged"] * 10
    assert not look.good(parallel=8)["drift"]
    assert deployer.names() == set(names)


@pytest.mark.parametrize("keep", [False, True], ids=["nothing kept", "a generation kept"])
def test_a_run_killed_at_any_step_is_brought_to_its_end_by_the_next(
    deployer: Deployer, look: Look, proxy: EngineProxy, keep: bool
) -> None:
    spec = writable(deployer, "web", volumes=["/anonymous"], keep_previous=keep)
    kept = {"web.caisson-previous"} if keep else set()
    for step in range(1, 20):
        deployer.quickly({"name": spec["name"], "state": "absent"})
        for hostname in ("former", "present") if keep else ("present",):
            deployer.quickly({**spec, "hostname": hostname})
        look.plant("web")
        before = deployer.inspect("web")
        arguments = {**look.arguments(on_drift=["recreate"]), "docker_host": proxy.address}
        process = start_module("container_drift", arguments)
        proxy.arm(step, process.kill)
        process.communicate(timeout=60)
        if not proxy.reached.is_set():
            break
        look.good(on_drift=["recreate"])
        assert deployer.names() == {"web"} | kept, proxy.seen
        after = deployer.inspect("web")
        assert after["State"]["Running"]
        assert observe(after) == observe(before)
        assert [mount["Name"] for mount in after["Mounts"]] == [mount["Name"] for mount in before["Mounts"]]
        for name in kept:
            assert deployer.inspect(name)["Config"]["Hostname"] == "former"
        assert not look.good(on_drift=["recreate"])["changed"]
    assert step > 5, "each step of the sequence was met"


class Racing(Engine):
    """Somebody removes a container right after it was listed, or right after it was inspected."""

    removed: t.Callable[[str], None]

    def containers(self) -> list[Json]:
        found = super().containers()
        self.removed("listed")
        return found

    def changes(self, container: str) -> list[Json] | None:
        self.removed(container)
        return super().changes(container)


def test_a_container_removed_meanwhile_is_said_and_no_failure(deployer: Deployer) -> None:
    deployer.deploy(*(writable(deployer, name) for name in ("listed", "inspected", "left")))
    ids = {deployer.inspect("inspected")["Id"]: "inspected", "listed": "listed"}
    engine = Racing(deployer.docker_host)
    engine.removed = lambda key: (
        deployer.api.remove_container(deployer.name(ids[key]), force=True) if key in ids else None
    )
    run = Run(engine, Settings(project=deployer.prefix, responses=frozenset({"snapshot", "recreate"})))
    run.predict()
    run.execute()
    engine.close()
    result = drift_render.result(run.cases, executed=True)
    assert [entry["action"] for entry in result["containers"]] == ["gone", "unchanged", "gone"]
    assert [entry["error"] for entry in result["containers"]] == [""] * 3
    assert len([line for line in run.warnings if "was removed by someone" in line]) == 2
    assert not result["changed"]


def test_unmanaged_containers_are_only_reported(deployer: Deployer, look: Look) -> None:
    api = deployer.api
    made = api.create_container(deployer.image, ["sleep", "1000"], name=deployer.name("foreign"), stop_signal="KILL")
    api.start(made["Id"])
    look.plant("foreign")
    deployer.deploy(writable(deployer, "web"))
    assert "foreign" not in look.entries(look.good())
    everything = look.good(all=True, on_drift=BOTH)
    assert look.entries(everything)["foreign"]["action"] == "reported"
    assert look.entries(everything)["foreign"]["drift"] == PLANTED
    assert deployer.inspect("foreign")["Id"] == made["Id"]
    named = look.good(containers=[deployer.name("foreign")])
    assert look.entries(named)["foreign"]["project"] == ""
    refused = look(containers=[deployer.name("foreign")], on_drift="recreate")
    assert "is not under management" in refused["msg"]


def test_what_removes_itself_or_is_paused_is_not_replaced(deployer: Deployer, look: Look) -> None:
    deployer.deploy(writable(deployer, "paused"), writable(deployer, "web"))
    body = {
        "Image": deployer.image, "Cmd": ["sleep", "1000"], "Labels": {"caisson.hardening.project": deployer.prefix},
        "HostConfig": {"AutoRemove": True},
    }  # fmt: skip
    deployer.api.create_container_from_config(body, deployer.name("fleeting"))
    deployer.api.start(deployer.name("fleeting"))
    for name in ("paused", "web", "fleeting"):
        look.plant(name)
    deployer.api.pause(deployer.name("paused"))
    predicted = look(check=True, on_drift="recreate")
    result = look(on_drift="recreate")
    assert predicted["msg"] == result["msg"]
    assert "it is paused" in result["msg"]
    assert "it removes itself" in result["msg"]
    assert {name: entry["action"] for name, entry in look.entries(result).items()} == {
        "fleeting": "failed", "paused": "failed", "web": "recreated",
    }  # fmt: skip
    assert deployer.inspect("paused")["State"]["Paused"]
    deployer.api.unpause(deployer.name("paused"))


def test_a_waived_container_is_reported_and_left_alone(deployer: Deployer, look: Look) -> None:
    spec = writable(deployer, "web", waivers=waiver("read_only", "drift"))
    assert "warnings" not in deployer.deploy(spec), "nobody can say at the deployment that it is not needed"
    look.plant("web")
    result = look.good(on_drift=["recreate", "fail"])
    assert look.entries(result)["web"]["action"] == "waived"
    assert [finding["outcome"] for finding in result["findings"]] == ["waived"]
    assert not result["changed"]


def test_wrong_input_is_refused_all_at_once(deployer: Deployer, look: Look) -> None:
    deployer.deploy(writable(deployer, "web"))
    result = look(
        containers=[deployer.name("wbe")], project="x", ignore=["etc", "/", "/a[", "/a/../b"], parallel=0,
        snapshot_repository="Upper:1",
    )  # fmt: skip
    assert "7 faults" in result["msg"]
    for said in ("'etc'", "the whole file system", "nothing closes", "'..'", "excludes containers", "repository"):
        assert said in result["msg"], said
    unknown = look(containers=[deployer.name("wbe")], on_drift="recreate")
    assert f"did you mean '{deployer.name('web')}'?" in unknown["msg"]
    assert "Traceback" not in str(unknown)


def test_without_an_engine_one_sentence_says_what_to_do(look: Look) -> None:
    result = look(docker_host="unix:///no/such.sock")
    assert result["failed"]
    assert "No engine answers at unix:///no/such.sock" in result["msg"]
    assert "\n" not in result["msg"]
