#!/bin/sh
# Brings newer servers beside the one of this system, without installing anything:
#
#   sh testenv/servers.sh DIRECTORY
#
# DIRECTORY/redis-server and DIRECTORY/valkey-server are the programs of a newer suite of Debian ($SUITE, else sid),
# started through the loader and with the libraries of that suite. The packages come from where apt has its own. What
# is there already stays; remove DIRECTORY to fetch anew. Debian, and a processor that the suite is built for.
set -eu

die() { printf 'servers: %s\n' "$*" >&2; exit 1; }

[ $# = 1 ] || die "usage: servers.sh DIRECTORY"
mkdir -p "$1"
dir=$(cd "$1" && pwd)
suite=${SUITE:-sid}

# runs says whether a server is there and can be started.
runs() { [ -x "$dir/$1-server" ] && "$dir/$1-server" --version >&2; }

if runs redis && runs valkey; then
	exit
fi
for tool in apt-get dpkg; do
	command -v "$tool" >/dev/null 2>&1 || die "$tool is missing: this is for Debian; elsewhere, name a server with SERVER="
done

# Where apt has its packages: the first source of Debian itself.
uri=$(cat /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null |
	sed -n 's/^URIs: *\([^ ]*\).*/\1/p;s/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\) .*/\2/p' | head -n 1)
[ -n "$uri" ] || die "apt has no source of packages here"

mkdir -p "$dir/lists/partial" "$dir/packages"
keys=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb [signed-by=$keys] $uri $suite main" >"$dir/source.list"
apt() {
	apt-get -qq -o Dir::Etc::sourcelist="$dir/source.list" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::State::Lists="$dir/lists" -o APT::Default-Release="$suite" "$@"
}
apt update || die "the packages of $suite cannot be listed"
# apt leaves its own user, which may not write here, and says so in lines that help nobody.
(cd "$dir/packages" && apt download redis-server redis-tools valkey-server valkey-tools libc6 libgcc-s1 libstdc++6 \
	libatomic1 libjemalloc2 liblzf1 libssl3t64 libsystemd0 libcap2 libzstd1 zlib1g liblua5.1-0 libgcrypt20 liblzma5 \
	liblz4-1 2>"$dir/apt.log") || { cat "$dir/apt.log" >&2; die "the packages of $suite cannot be fetched"; }
for package in "$dir"/packages/*.deb; do
	dpkg -x "$package" "$dir/root"
done
rm -rf "$dir/packages" "$dir/lists"

loader=$(find "$dir/root" -name 'ld-linux*' | head -n 1)
libraries=$(dirname "$(find "$dir/root" -name 'libjemalloc.so*' | head -n 1)")
for name in redis valkey; do
	# One program is server, Sentinel and checker: its name says which. exec keeps the process that tests freeze and kill.
	printf '#!/bin/sh\nexec %s --argv0 %s-server --library-path %s %s "$@"\n' \
		"$loader" "$name" "$libraries" "$dir/root/usr/bin/$name-check-rdb" >"$dir/$name-server"
	chmod +x "$dir/$name-server"
	runs "$name" || die "$name-server of $suite does not run on this system"
done
