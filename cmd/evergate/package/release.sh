#!/bin/sh
# Builds a release into dist/: archives for Linux and macOS, a .deb and an .rpm for each architecture of Linux, a bill
# of materials of each binary, and SHA256SUMS. Two runs for the same commit write the same bytes.
#
#   sh cmd/evergate/package/release.sh
#
#   VERSION     v1.2.3; otherwise the tag of the commit, or v0.0.0 with its time and number if there is none
#   TARGETS     "linux/amd64 linux/arm64 darwin/amd64 darwin/arm64"
#   MAINTAINER  of the packages
#
# It needs git, Go and GNU tar. nfpm and cyclonedx-gomod come from the go.mod beside this file.
set -eu

cd "$(dirname "$0")/../../.."
top=$PWD
package=$top/cmd/evergate/package
dist=$top/dist
targets=${TARGETS:-linux/amd64 linux/arm64 darwin/amd64 darwin/arm64}
export MAINTAINER="${MAINTAINER:-Evergate <evergate@localhost>}"
export LC_ALL=C TZ=UTC
umask 022

if [ -n "$(git status --porcelain)" ]; then
	echo "release: the sources differ from the commit: commit or remove the changes first" >&2
	exit 1
fi
revision=$(git rev-parse HEAD)
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
if [ -z "${VERSION:-}" ]; then
	VERSION=$(git describe --exact-match --tags --match 'v[0-9]*' 2>/dev/null) ||
		VERSION=v0.0.0-$(git log -1 --date=format-local:%Y%m%d%H%M%S --format=%cd).$(echo "$revision" | cut -c 1-12)
fi
export VERSION
echo "release: $VERSION of $revision" >&2

# build SYSTEM/ARCHITECTURE FILE. The version is stamped: what Go itself finds out depends on the kind of checkout.
build() {
	CGO_ENABLED=0 GOOS=${1%/*} GOARCH=${1#*/} go build -trimpath -buildvcs=false -ldflags "-s -w \
		-X evergate/gateway/status.stampedVersion=$VERSION \
		-X evergate/gateway/status.stampedRevision=$revision" -o "$2" ./cmd/evergate
}

# third_party lists the modules in a binary with their licences, which they want to be passed on.
third_party() {
	go version -m "$1" | awk '$1 == "dep" { print $2 "@" $3 }' | while read -r module; do
		printf '%s\n\n' "== $module"
		cat "$(go mod download -json "$module" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')"/LICENSE*
		printf '\n'
	done
	printf '== Go %s\n\n' "$(go env GOVERSION)"
	cat "$(go env GOROOT)/LICENSE"
}

# shared has what is the same for every system: pages, completions, licences.
prepare_shared() {
	export SHARED="$work/shared"
	mkdir -p "$SHARED/man" "$SHARED/completions"
	build "$(go env GOHOSTOS)/$(go env GOHOSTARCH)" "$work/evergate"
	"$work/evergate" manual "$SHARED/man"
	gzip -9n "$SHARED/man"/*.1
	"$work/evergate" completion bash >"$SHARED/completions/evergate.bash"
	"$work/evergate" completion zsh >"$SHARED/completions/_evergate"
	"$work/evergate" completion fish >"$SHARED/completions/evergate.fish"
	third_party "$work/evergate" >"$SHARED/THIRD-PARTY-LICENSES"
}

# archive NAME SYSTEM BINARY
archive() {
	folder=$work/$1
	mkdir -p "$folder"
	cp "$3" "$folder/evergate"
	cp -R "$SHARED/man" "$SHARED/completions" "$SHARED/THIRD-PARTY-LICENSES" examples "$folder"
	cp LICENSE README.md CHANGELOG.md "$folder"
	if [ "$2" = linux ]; then
		mkdir "$folder/systemd"
		cp "$package/evergate.service" "$package/evergate.socket" "$package/sysusers.conf" "$package/evergate.yaml" \
			"$folder/systemd"
	fi
	tar --sort=name --format=gnu --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -C "$work" \
		-cf - "$1" | gzip -9n >"$dist/$1.tar.gz"
}

rm -rf "$dist"
mkdir -p "$dist"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prepare_shared
for target in $targets; do
	system=${target%/*} architecture=${target#*/}
	name=evergate_${VERSION#v}_${system}_$architecture
	echo "release: $target" >&2
	build "$target" "$work/$name.bin"
	archive "$name" "$system" "$work/$name.bin"
	(cd "$package" && go tool cyclonedx-gomod bin -json -std -noserial -notimestamp -version "$VERSION" \
		-output "$dist/$name.cdx.json" "$work/$name.bin" 2>"$work/log") || { cat "$work/log" >&2; exit 1; }
	if [ "$system" = linux ]; then
		for kind in deb rpm; do
			(cd "$package" && BINARY="$work/$name.bin" NFPM_ARCH=$architecture \
				go tool nfpm package -f nfpm.yaml -p "$kind" -t "$dist/" >"$work/log" 2>&1) || { cat "$work/log" >&2; exit 1; }
		done
	fi
done
(cd "$dist" && sha256sum -- * >"$work/sums" && mv "$work/sums" SHA256SUMS)
ls -l "$dist" >&2
