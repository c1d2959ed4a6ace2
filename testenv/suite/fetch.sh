#!/bin/sh
# Fetches the source of redis 7.0 from the Debian archive that this system already uses, and unpacks it.
#
#   sh testenv/suite/fetch.sh DIR    afterwards DIR/redis holds it, tests and all
#
# Nothing of the system's own list of sources is changed: source packages are asked for in a list of our own, made from it.
set -eu

dir=$1
[ -f "$dir/redis/tests/test_helper.tcl" ] && exit 0
command -v apt-get >/dev/null 2>&1 || {
	echo "fetch: the suite comes from a Debian source package, and there is no apt-get here." >&2
	echo "fetch: unpack a source of redis 7.0 yourself as $dir/redis." >&2
	exit 1
}
mkdir -p "$dir/parts" "$dir/lists/partial" "$dir/download"
cd "$dir"
dir=$(pwd)
for file in /etc/apt/sources.list.d/*.sources; do
	[ -f "$file" ] && sed 's/^Types:.*/Types: deb-src/' "$file" >"parts/$(basename "$file")"
done
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
	[ -f "$file" ] && sed 's/^deb /deb-src /' "$file" >"parts/$(basename "$file" .list).list"
done
apt="apt-get -qq -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts=$dir/parts -o Dir::State::lists=$dir/lists"
apt="$apt -o APT::Sandbox::User=root -o Debug::NoLocking=1"
# Archives of other software have no sources to offer; that is no reason to stop.
$apt update 2>/dev/null || true
(cd download && $apt source --download-only redis/bookworm || $apt source --download-only redis)
rm -rf unpacked && mkdir unpacked
tar -xf download/redis_*.orig.tar.* -C unpacked --strip-components 1
rm -rf redis && mv unpacked redis
echo "fetch: $(sed -n 's/^#define REDIS_VERSION /redis /p' redis/src/version.h) is in $dir/redis" >&2
