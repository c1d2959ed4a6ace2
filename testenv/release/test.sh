#!/bin/sh
# Tries a release as an administrator does: in a fresh Debian, with systemd as process 1 in namespaces of its own, the
# .deb is installed, started, reloaded, upgraded, removed and purged, and then the .rpm with Debian's rpm. Two builds must
# give the same bytes.
#
#   sh testenv/release/test.sh
#
# It runs as root on Debian, needs debootstrap with a mirror, and takes some minutes. It listens in its own network.
set -eu

cd "$(dirname "$0")/../.."
top=$PWD
debian=$top/.cache/release/debian
work=$(mktemp -d)
manager=

say() { echo "release-test: $*" >&2; }
cleanup() {
	if [ -n "$manager" ]; then
		kill -KILL "$manager" 2>/dev/null || true
		wait "$manager" 2>/dev/null || true
	fi
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

[ "$(id -u)" = 0 ] || { say "it needs root"; exit 1; }
architecture=$(dpkg --print-architecture)

# build VERSION SOURCES FOLDER
build() {
	(cd "$2" && TARGETS=linux/$architecture VERSION=$1 sh cmd/evergate/package/release.sh 2>"$work/log") ||
		{ cat "$work/log" >&2; exit 1; }
	mv "$2/dist" "$3"
}

git clone -q "$top" "$work/clone"
build v0.0.1 "$work/clone" "$work/first"
mv "$work/clone" "$work/elsewhere"
build v0.0.1 "$work/elsewhere" "$work/second"
cmp "$work/first/SHA256SUMS" "$work/second/SHA256SUMS"
(cd "$work/first" && sha256sum --quiet -c SHA256SUMS)
build v0.0.2 "$work/elsewhere" "$work/upgrade"
say "two builds are the same"

if [ ! -e "$debian/made" ] || [ ! -e "$debian/usr/bin/rpm" ]; then
	say "making a Debian in $debian"
	rm -rf "$debian"
	mkdir -p "$debian"
	debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,redis-server,rpm bookworm "$debian" >"$work/log" ||
		{ tail "$work/log" >&2; exit 1; }
	touch "$debian/made"
fi
root=$work/root
cp -a "$debian" "$root"
for kind in deb rpm; do
	cp "$work/first"/*.$kind "$root/first.$kind"
	cp "$work/upgrade"/*.$kind "$root/upgrade.$kind"
done
cp testenv/release/inside.sh "$root/inside.sh"

# The end of the manager ends everything in its process namespace. The root is changed by pivot_root: after a chroot the
# kernel refuses the user namespaces that PrivateUsers needs.
cat >"$work/boot" <<END
set -e
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
cd "$root"
pivot_root . mnt
umount -l /mnt
exec env -i container=chroot PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd
END
unshare --fork --kill-child --pid --mount --uts --ipc --net sh "$work/boot" >"$work/systemd" 2>&1 &
manager=$!
init=
for _ in $(seq 100); do
	init=$(cat "/proc/$manager/task/$manager/children" 2>/dev/null | tr -d ' ')
	if [ -n "$init" ] && nsenter -t "$init" -a -r -w systemctl is-system-running --wait >"$work/state" 2>/dev/null; then
		break
	fi
	grep -q degraded "$work/state" 2>/dev/null && break
	sleep 0.2
done
say "Debian $(cat "$debian/etc/debian_version") is $(cat "$work/state")"
if ! nsenter -t "$init" -a -r -w sh /inside.sh; then
	nsenter -t "$init" -a -r -w journalctl --no-pager -u evergate -u evergate.socket -n 40 >&2 || true
	exit 1
fi
say "passed"
