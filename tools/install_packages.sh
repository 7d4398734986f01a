#!/usr/bin/env bash
# Installs what is missing of tools/debian-packages.txt: the sections a build needs, with
# --development all of them. When nothing is missing it costs one dpkg-query. Where it may not
# install, it prints what is missing and exits 1.
set -euo pipefail
list=$(dirname "$0")/debian-packages.txt

sections='/^# development/,$d'
[ "${1:-}" = --development ] && sections=
mapfile -t wanted < <(sed "$sections"'; /^#/d; /^$/d' "$list")

missing() {
  local status package
  declare -A installed=()
  while read -r status package; do
    [ "$status" = installed ] && installed[$package]=1
  done < <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null)
  for package in "${wanted[@]}"; do
    # A program of that name does as well, wherever it came from.
    [ -n "${installed[$package]:-}" ] || type -P "$package" >/dev/null || echo "$package"
  done
}

mapfile -t lacking < <(missing)
[ ${#lacking[@]} -eq 0 ] && exit 0

give_up() {
  echo "asyncio: these Debian 12 packages are missing: ${lacking[*]}" >&2
  echo "asyncio: $1" >&2
  exit 1
}

grep -qs '^ID=debian$' /etc/os-release || give_up "this machine is not Debian; install their like by hand"

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  sudo -n true 2>/dev/null || give_up "without root: sudo apt-get install --no-install-recommends ${lacking[*]}"
  as_root=(sudo -n)
fi

apt_get() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 "$@"
}

echo "asyncio: installing ${lacking[*]}" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# The package lists may be absent or stale, and a third-party source may fail: only the packages
# themselves must arrive.
if ! apt_get install --no-install-recommends "${lacking[@]}" >"$log" 2>&1; then
  apt_get update >>"$log" 2>&1 || true
  apt_get install --no-install-recommends "${lacking[@]}" >>"$log" 2>&1 || {
    tail -n 20 "$log" >&2
    give_up "apt-get could not install them"
  }
fi
