#!/usr/bin/env bash
# Build the collection and install it from its tarball into .cache/installed, where ansible finds it by its name.
set -euo pipefail

cd "$(dirname "$0")/.."
out=.cache/build
mkdir -p $out
rm -f $out/*.tar.gz
.venv/bin/ansible-galaxy collection build --force --output-path $out > $out/log 2>&1 || { cat $out/log >&2; exit 1; }
.venv/bin/ansible-galaxy collection install --offline --force --no-deps --collections-path .cache/installed $out/*.tar.gz \
  > $out/log 2>&1 || { cat $out/log >&2; exit 1; }
