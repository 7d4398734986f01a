#!/usr/bin/env bash
# Fills .distdir with the dependencies' sources from the machine's own Debian mirror, so that Bazel
# needs no network. Their bytes are upstream's; deps.bzl has the checksums. Needs no root: apt works
# in a private folder with sources derived from /etc/apt.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{sources,lists/partial,cache/archives/partial,download}

for file in /etc/apt/sources.list.d/*.sources; do
  [ -e "$file" ] && sed 's/^Types:.*/Types: deb-src/' "$file" >"$work/sources/${file##*/}"
done
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
  [ -e "$file" ] && sed -nE 's/^deb[[:space:]]/deb-src /p' "$file" >>"$work/sources/${file##*/}"
done

apt_get() {
  apt-get -q -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$work/sources" \
    -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work/cache" -o APT::Sandbox::User= "$@"
}

echo "asyncio: fetching the dependencies' sources into .distdir" >&2
# A third-party source of this machine may fail; what counts is whether the four archives arrive.
apt_get update >"$work/log" 2>&1 || true
(cd "$work/download" && apt_get source --download-only \
  abseil googletest benchmark android-platform-external-boringssl) >>"$work/log" 2>&1 || true

# Takes Debian's file $1 as upstream's archive $2; the optional rest is a filter.
take() {
  local from=$work/download/$1 to=$2
  if [ ! -e "$from" ]; then
    tail -n 20 "$work/log" >&2
    echo "asyncio: the Debian sources of this machine do not offer $1" >&2
    return 1
  fi
  shift 2
  "${@:-cat}" <"$from" >"$work/$to"
}

# Debian's Abseil has another top folder; with upstream's name the archive is upstream's.
with_upstream_folder() {
  gunzip | python3 tools/rename_archive_folder.py abseil-20220623.1 abseil-cpp-20220623.1 | gzip -n
}

boringssl=android-platform-external-boringssl_13.0.0+r24.orig.tar.xz
take abseil_20220623.1.orig.tar.gz 20220623.1.tar.gz with_upstream_folder
take googletest_1.12.1.orig.tar.gz release-1.12.1.tar.gz
take benchmark_1.7.1.orig.tar.gz v1.7.1.tar.gz
take "$boringssl" "$boringssl"

# Last and in one step, so that an interrupted run leaves nothing that looks complete.
mkdir "$work/distdir"
mv "$work"/*.tar.[gx]z "$work/distdir"
rm -rf .distdir
mv "$work/distdir" .distdir
