#!/bin/sh
# The user stays, as Debian advises: its number must not pass to another one while files of it may exist.
set -eu

if [ "${1:-}" = purge ]; then
	rm -rf /var/log/evergate
	# Files that the administrator has put there stay, with their folder.
	rmdir /etc/evergate 2>/dev/null || true
fi
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
