#!/bin/sh
# Debian passes "remove", or "upgrade" before the next version comes; rpm passes 0, or 1 before the next one.
set -eu

case ${1:-} in
remove | 0)
	if [ -d /run/systemd/system ]; then
		systemctl --no-reload disable --now evergate.socket evergate.service
	fi
	;;
esac
