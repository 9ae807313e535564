#!/usr/bin/env bash
# Build the collection and install it from its tarball into .cache/installed, where ansible finds it by its name. One that
# is there and the same is left, for another command of this checkout may be running it.
set -euo pipefail

cd "$(dirname "$0")/.."
out=.cache/build installed=.cache/installed/ansible_collections/caisson/hardening stamp=.cache/installed/complete
mkdir -p $out .cache/installed
exec 9> $out/lock
! command -v flock > /dev/null || flock 9
rm -f $out/*.tar.gz
.venv/bin/ansible-galaxy collection build --force --output-path $out > $out/log 2>&1 || { cat $out/log >&2; exit 1; }
# The list has the checksum of each file. The stamp tells that all of them were installed.
tar -xzOf $out/*.tar.gz FILES.json > $out/FILES.json
if [ -f $stamp ] && cmp -s $out/FILES.json $stamp && [ -d $installed ]; then
  exit 0
fi
rm -f $stamp
.venv/bin/ansible-galaxy collection install --offline --force --no-deps --collections-path .cache/installed $out/*.tar.gz \
  > $out/log 2>&1 || { cat $out/log >&2; exit 1; }
mv $out/FILES.json $stamp
