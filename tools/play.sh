#!/usr/bin/env bash
# Run a playbook of the checkout: tools/play.sh PLAYBOOK [ARGUMENTS...]; INVENTORY and LIMIT come from the environment.
set -euo pipefail

cd "$(dirname "$0")/.."
playbook=$1
shift
default=playbooks/inventory/localhost
arguments=(--inventory "${INVENTORY:-$default}")
[ -z "${LIMIT:-}" ] || arguments+=(--limit "$LIMIT")

if [ "$(id -u)" != 0 ] && [ "${INVENTORY:-$default}" = "$default" ]; then
  if ! command -v sudo > /dev/null; then
    echo "Hardening this machine needs root: run make as root, or install sudo." >&2
    exit 1
  elif sudo -n true 2> /dev/null; then
    arguments+=(--become)
  elif [ -t 0 ]; then
    arguments+=(--become --ask-become-pass)
  else
    echo "Hardening this machine needs root: sudo asks for a password and there is no terminal to ask at. Run make as root." >&2
    exit 1
  fi
fi
exec .venv/bin/ansible-playbook "${arguments[@]}" "$@" "playbooks/$playbook"
