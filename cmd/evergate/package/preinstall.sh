#!/bin/sh
# Creates the user before files of its group are unpacked. sysusers.conf describes the same user for images that are
# built without these scripts.
set -eu

if ! getent passwd evergate >/dev/null; then
	useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin \
		--comment Evergate evergate
fi
