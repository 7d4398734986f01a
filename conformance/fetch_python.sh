#!/bin/bash
# Unpacks a CPython 3.15 from Debian's unstable suite into a folder, for record.py; prints the command that runs it.
#
#     conformance/fetch_python.sh FOLDER
#
# Needs Debian, its mirror as /etc/apt names it, and 300 MB; the system stays as it is.
set -euo pipefail

readonly packages=(
  python3.15-minimal libpython3.15-minimal libpython3.15-stdlib
  libc6 libgcc-s1 libssl3t64 zlib1g libffi8 libexpat1 libbz2-1.0 liblzma5 libuuid1 libsqlite3-0 libzstd1
)

mkdir -p "${1:?usage: fetch_python.sh FOLDER}"
folder=$(cd "$1" && pwd)
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Component: main' |
  head -n 1)
if [[ -z $mirror ]]; then
  echo "fetch_python.sh: /etc/apt names no mirror of Debian; apt-get update may help" >&2
  exit 1
fi

mkdir -p "$folder"/apt/{etc,state/lists/partial,cache/archives/partial} "$folder"/{debs,root}
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror sid main" >"$folder/apt/etc/sources.list"
touch "$folder/apt/status"

apt() {
  apt-get -qq \
    -o Dir::Etc::SourceList="$folder/apt/etc/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::State="$folder/apt/state" -o Dir::State::status="$folder/apt/status" -o Dir::Cache="$folder/apt/cache" \
    -o APT::Sandbox::User= -o Acquire::Languages=none "$@"
}
apt update
(cd "$folder/debs" && apt download "${packages[@]}")
for package in "$folder"/debs/*.deb; do
  dpkg-deb --extract "$package" "$folder/root"
done

cat >"$folder/python" <<'END'
#!/bin/sh
root=$(cd "$(dirname "$0")" && pwd)/root
export PYTHONHOME="$root/usr"
exec "$root/usr/lib64/ld-linux-x86-64.so.2" --library-path \
  "$root/usr/lib/x86_64-linux-gnu:$root/lib/x86_64-linux-gnu" "$root/usr/bin/python3.15" "$@"
END
chmod +x "$folder/python"
"$folder/python" --version >&2
echo "$folder/python"
