# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images of real applications, laid out as their publishers' are: same paths, users, volumes and commands.

So the playbooks in docs/examples run with them as they are. The packages are only unpacked; their maintainer scripts
do not run, and what those would have made is made here.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .images import Recipe

# The path of a package's program, the shell's tools behind it.
_PATH = "PATH=/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin"


@dataclass(frozen=True)
class AppRecipe(Recipe):
    """A recipe whose packages are unpacked and not configured."""

    options: t.ClassVar[t.Sequence[str]] = ("--variant=extract",)
    stage: t.ClassVar[str] = "extract"  # the last one of this variant


def _file(path: str, content: str, mode: str = "644") -> str:
    """A line of shell that writes a file of the image."""
    return f'mkdir -p "$(dirname "$1{path}")"; cat > "$1{path}" <<\'END\'\n{content}END\nchmod {mode} "$1{path}"'


def _users(name: str, number: int) -> tuple[str, ...]:
    line = f"{name}:x:{number}:{number}::/nonexistent:/bin/false"
    return (
        _file("/etc/passwd", f"root:x:0:0:root:/root:/bin/sh\n{line}\n"),
        _file("/etc/group", f"root:x:0:\n{name}:x:{number}:\n"),
    )


_COMMON = (
    # A shell and its tools, as small as in the publishers' images that are made of Alpine.
    'for applet in $("$1"/bin/busybox --list); do'
    ' [ -e "$1/usr/bin/$applet" ] || [ -e "$1/bin/$applet" ] || ln -s /bin/busybox "$1/bin/$applet"; done',
    'install -d -m 1777 "$1"/tmp "$1"/var/tmp',
    # What only maintainer scripts, translators and the package manager need.
    'rm -rf "$1"/usr/share/doc "$1"/usr/share/man "$1"/usr/share/locale "$1"/usr/share/i18n "$1"/usr/share/perl*'
    ' "$1"/usr/lib/*/perl* "$1"/usr/bin/perl* "$1"/usr/share/debconf "$1"/var/cache/debconf "$1"/var/lib/systemd',
)

_NGINX_CONF = """\
user nginx;
worker_processes auto;
error_log /var/log/nginx/error.log notice;
pid /run/nginx.pid;
events { worker_connections 1024; }
http {
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    access_log /var/log/nginx/access.log;
    client_body_temp_path /var/cache/nginx/client_temp;
    proxy_temp_path /var/cache/nginx/proxy_temp;
    fastcgi_temp_path /var/cache/nginx/fastcgi_temp;
    uwsgi_temp_path /var/cache/nginx/uwsgi_temp;
    scgi_temp_path /var/cache/nginx/scgi_temp;
    server {
        listen 80;
        root /usr/share/nginx/html;
    }
}
"""

NGINX = AppRecipe(
    "app-nginx",
    ("nginx", "busybox-static"),
    (
        *_COMMON,
        *_users("nginx", 101),
        _file("/etc/nginx/nginx.conf", _NGINX_CONF),
        'install -d "$1"/var/log/nginx "$1"/usr/share/nginx/html',
        'install -d -o 101 -g 101 "$1"/var/cache/nginx',
        'ln -sf /dev/stdout "$1"/var/log/nginx/access.log; ln -sf /dev/stderr "$1"/var/log/nginx/error.log',
    ),
    (f"ENV {_PATH}", "EXPOSE 80", 'CMD ["nginx", "-g", "daemon off;"]'),
)

REDIS = AppRecipe(
    "app-redis",
    ("redis-server", "busybox-static"),
    (*_COMMON, *_users("redis", 999), 'install -d -o 999 -g 999 "$1"/data'),
    (f"ENV {_PATH}", "VOLUME /data", "WORKDIR /data", "EXPOSE 6379", 'CMD ["redis-server"]'),
)

# What the publisher's start script does for a user who is not root, in short.
_POSTGRES_START = """\
#!/bin/sh
set -eu
if [ "$1" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
    initdb --username=postgres --pwfile="$POSTGRES_PASSWORD_FILE" --auth-local=trust --auth-host=scram-sha-256 \\
        --encoding=UTF8 --locale=C --pgdata="$PGDATA"
    echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
    echo "CREATE DATABASE $POSTGRES_DB" | postgres --single -j -D "$PGDATA" postgres
fi
exec "$@"
"""

_POSTGRES_HOME = "/usr/lib/postgresql/15"

POSTGRESQL = AppRecipe(
    "app-postgresql",
    ("postgresql-15", "busybox-static"),
    (
        *_COMMON,
        *_users("postgres", 999),
        _file("/usr/local/bin/docker-entrypoint.sh", _POSTGRES_START, "755"),
        # The compiler for large queries is half of the image; the server does without it.
        f'rm -rf "$1"/usr/lib/*/libLLVM* "$1"/usr/lib/llvm* "$1"/usr/lib/*/libz3* "$1"{_POSTGRES_HOME}/lib/bitcode'
        f' "$1"{_POSTGRES_HOME}/lib/llvmjit*',
        'sed -i "s/^#listen_addresses = .*/listen_addresses = \'*\'/" "$1"/usr/share/postgresql/15/'
        "postgresql.conf.sample",
        'install -d -o 999 -g 999 -m 700 "$1"/var/lib/postgresql/data',
        'install -d -o 999 -g 999 "$1"/var/log/postgresql',
        'rm -rf "$1"/var/run; ln -s /run "$1"/var/run; install -d -o 999 -g 999 -m 2775 "$1"/run/postgresql',
    ),
    (
        f"ENV {_PATH.replace('=', f'={_POSTGRES_HOME}/bin:')}",
        "ENV PGDATA=/var/lib/postgresql/data",
        "VOLUME /var/lib/postgresql/data",
        "EXPOSE 5432",
        'ENTRYPOINT ["docker-entrypoint.sh"]',
        'CMD ["postgres"]',
    ),
)

APPLICATIONS = (NGINX, REDIS, POSTGRESQL)
