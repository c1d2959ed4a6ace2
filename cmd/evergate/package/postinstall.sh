#!/bin/sh
# An upgrade drains and restarts a gateway that runs. A first installation starts nothing: settings come first.
set -eu

case ${1:-} in
abort-*) exit 0 ;;
esac
# Without systemd as process 1, as in an image or a chroot, there is nothing to reload.
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	systemctl try-restart evergate.service
fi
