# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How many programs run in a container, told from process tables as ps writes them."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.caisson.hardening.plugins.module_utils.containers import programs

ROOT = 100


def table(text: str) -> dict[str, t.Any]:
    """The engine's answer for lines of pid, ppid and command; it splits at every space."""
    rows = [line.split() for line in text.strip().splitlines()]
    return {"Titles": ["PID", "PPID", "COMMAND"], "Processes": [[*row[:2], " ".join(row[2:])] for row in rows]}


def judged(text: str, names: str = "") -> programs.Programs:
    processes = programs.read(table(text), "args")
    if names:
        processes = programs.lasting(processes, programs.read(table(names), "comm"))
    found = programs.judge(processes, ROOT)
    assert found is not None
    return found


ONE: dict[str, tuple[str, str]] = {
    "a program alone": ("nginx", "100 9 nginx: master process nginx -g daemon off;"),
    "below an init": ("sleep", "100 9 /sbin/docker-init -- sleep 1000\n101 100 sleep 1000"),
    "below two inits": ("app", "100 9 /sbin/docker-init -- tini\n101 100 tini -- /srv/app\n102 101 /srv/app"),
    "nginx": (
        "nginx",
        """
        100 9 /sbin/docker-init -- nginx -g daemon off;
        101 100 nginx: master process nginx -g daemon off;
        102 101 nginx: worker process
        103 101 nginx: cache manager process
        """,
    ),
    "postgres": (
        "postgres",
        """
        100 9 /usr/lib/postgresql/15/bin/postgres -D /var/lib/postgresql/data
        140 100 postgres: checkpointer
        141 100 postgres: background writer
        142 100 postgres: 15/main: walwriter
        143 100 postgres: app shop 172.18.0.3(40112) idle in transaction
        """,
    ),
    "php-fpm": (
        "php-fpm",
        "100 9 php-fpm: master process (/etc/php-fpm.conf)\n101 100 php-fpm: pool www\n102 100 php-fpm: pool x",
    ),
    "gunicorn": (
        "python3 /usr/bin/gunicorn",
        "\n".join(f"{100 + n} {9 if n == 0 else 100} /bin/python3 /usr/bin/gunicorn -w 3 app" for n in range(4)),
    ),
    "gunicorn with titles": ("gunicorn", "100 9 gunicorn: master [shop]\n101 100 gunicorn: worker [shop]"),
    "uvicorn": (
        "python /usr/bin/uvicorn",
        """
        100 9 python /usr/bin/uvicorn --workers 2 main:app
        101 100 python -c from multiprocessing.resource_tracker import main;main(4)
        102 100 python -c from multiprocessing.spawn import spawn_main; spawn_main(tracker_fd=5, pipe_handle=7)
        """,
    ),
    "celery": ("celeryd", "100 9 [celeryd: a@b:Main] -active- (worker)\n101 100 [celeryd: a@b:Fork-1]"),
    "redis": ("redis-server", "100 9 redis-server *:6379"),
    "java": (
        "java -jar /app.jar",
        "100 9 /opt/java/bin/java -Xmx256m -Dx=y -jar /app.jar --port 1",
    ),
    "java by class": ("java org.app.Main", "100 9 java -cp /a:/b -Xss1m org.app.Main run"),
    "apache": ("apache2", "100 9 /usr/sbin/apache2 -DFOREGROUND\n101 100 /usr/sbin/apache2 -DFOREGROUND"),
    "rabbitmq": (
        "beam.smp",
        """
        100 9 /bin/sh /opt/rabbitmq/sbin/rabbitmq-server
        101 100 /usr/lib/erlang/erts-13/bin/beam.smp -W w -- -root /usr/lib/erlang
        102 101 erl_child_setup 1024
        103 102 inet_gethost 4
        104 100 /usr/lib/erlang/erts-13/bin/epmd -daemon
        """,
    ),
    "a shell that started one": ("app", "100 9 sh -c /srv/app --x; true\n101 100 /srv/app --x"),
    "a shell below an init": ("app", "100 9 tini -- sh -c app;true\n101 100 sh -c app;true\n102 101 app"),
    "an entrypoint script": ("redis-server", "100 9 /bin/sh /entrypoint.sh\n101 100 redis-server *:6379"),
    "a shell alone": ("sh /loop.sh", "100 9 sh /loop.sh"),
    "a shell with a copy of itself": (
        "app",
        "100 9 sh -c app | while read x; do :; done\n101 100 app\n102 100 sh -c app | while read x; do :; done",
    ),
    "npm": (
        "node /app/server.js",
        "100 9 npm start\n101 100 sh -c node /app/server.js\n102 101 node /app/server.js",
    ),
    "npm without a title": ("node server.js", "100 9 node /usr/bin/npm-cli.js start\n102 100 node server.js"),
    "busybox": ("httpd", "100 9 /bin/busybox sh -c x\n101 100 /bin/busybox httpd -f"),
    "a login shell": ("sh", "100 9 -sh"),
    "cron alone": ("crond", "100 9 crond -f"),
    "a zombie": ("app", "100 9 app\n101 100 [sh] <defunct>"),
    "a health check and an exec": ("app", "100 9 app\n150 9 curl -f http://localhost\n160 9 sh\n161 160 vi /x"),
    "numbered from within": ("app", "1 0 tini -- app\n7 1 app\n20 0 ps"),
}  # fmt: skip


@pytest.mark.parametrize("name", ONE)
def test_one_application(name: str) -> None:
    wanted, text = ONE[name]
    found = judged(text)
    assert found.names == (wanted,)
    assert found.evidence() is None


SEVERAL: dict[str, tuple[str, str]] = {
    "from a shell": (
        "runs httpd and tail",
        "100 9 sh -c httpd & tail -f /x & wait\n101 100 httpd -f\n102 100 tail -f /x",
    ),
    "a daemon that left its shell": (
        "runs sshd and app",
        "100 9 tini -- app\n101 100 sshd: /usr/sbin/sshd\n102 100 app",
    ),
    "one started by the other": ("runs app and nc", "100 9 /srv/app\n101 100 nc -l -p 4444"),
    "two scripts": (
        "runs python app.py and python other.py",
        "100 9 sh -c x\n101 100 python app.py\n102 100 python other.py",
    ),
    "a module and a script": ("runs python3 -m http.server and python3 /a.py",
                              "100 9 sh -c x\n101 100 python3 -m http.server 80\n102 100 python3 -u /a.py"),
    "a shell script beside": ("runs app and sh /watch.sh", "100 9 sh -c x\n101 100 app\n102 100 sh /watch.sh"),
    "supervisord": (
        "runs supervisord, nginx and php-fpm; supervisord is a supervisor",
        """
        100 9 /usr/bin/python3 /usr/bin/supervisord -n
        101 100 nginx: master process nginx
        102 101 nginx: worker process
        103 100 php-fpm: master process (/etc/php-fpm.conf)
        """,
    ),
    "s6": ("runs s6 and app; s6 is", "100 9 /command/s6-svscan -d4\n101 100 s6-supervise app\n102 101 app"),
    "runit": ("runs runit and sshd; runit is", "100 9 runsvdir -P /etc/service\n101 100 runsv ssh\n102 101 sshd: x"),
    "systemd": ("runs systemd, systemd-journald and sshd; systemd is",
                "100 9 /sbin/init\n101 100 /lib/systemd/systemd-journald\n102 100 sshd: /usr/sbin/sshd -D"),
    "monit": ("runs monit and app", "100 9 monit -I\n101 100 app"),
    "pm2": ("runs pm2 and node /app.js", "100 9 PM2 v5.3.0: God Daemon (/root/.pm2)\n101 100 node /app.js"),
    "pm2-runtime": ("runs pm2 and node /app.js", "100 9 node /usr/bin/pm2-runtime start\n101 100 node /app.js"),
    "circus": ("runs circusd and app", "100 9 /usr/bin/python3 /usr/bin/circusd x.ini\n101 100 app"),
    "god": ("runs god and app", "100 9 /usr/bin/ruby /usr/bin/god -D\n101 100 app"),
    "forever": ("runs forever and node x.js", "100 9 node /usr/bin/forever x.js\n101 100 node x.js"),
    "honcho": ("runs honcho and app", "100 9 python3 /usr/bin/honcho start\n101 100 app"),
    "foreman": ("runs foreman and app", "100 9 foreman: master\n101 100 app"),
    "cron beside": ("runs crond and app; crond is a scheduler", "100 9 sh -c x\n101 100 crond\n102 100 app"),
}  # fmt: skip


@pytest.mark.parametrize("name", SEVERAL)
def test_more_than_one_application(name: str) -> None:
    wanted, text = SEVERAL[name]
    assert (judged(text).evidence() or "").startswith(wanted)


def test_workers_with_titles_of_their_own_are_of_one_executable() -> None:
    text = "100 9 /opt/app --master\n101 100 sleeping until noon\n102 100 busy with 3"
    assert judged(text).evidence() == "runs app, sleeping and busy"
    assert judged(text, "100 9 app\n101 100 app\n102 100 app").names == ("app",)
    assert judged(text, "100 9 app\n101 100 app\n102 100 tmux: server").names == ("app", "busy")


def test_what_ends_at_once_does_not_count() -> None:
    assert judged("100 9 app\n101 100 git gc", "100 9 app").evidence() is None


def test_a_supervisor_is_known_by_the_kernels_name_too() -> None:
    assert judged("100 9 /sbin/whatever\n101 100 app", "100 9 systemd\n101 100 app").supervisors == ("systemd",)


def test_a_table_without_the_container_says_nothing() -> None:
    assert programs.judge(programs.read(table("7 3 app"), "args"), ROOT) is None
    assert programs.read({"Processes": None}, "args") == []
    assert programs.read({"Processes": [["PID", "x"], ["x", "y", "z"]]}, "args") == []
