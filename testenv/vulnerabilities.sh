#!/bin/sh
# Looks for known vulnerabilities of what our code calls, in Go's database or in the one given.
#
#   sh testenv/vulnerabilities.sh [file:///DIR]
#
# One that is found fails. Without a way to the database nothing is known, which is said and fails nothing: the lint also
# runs on machines without one.
set -eu

status=0
found=$(go tool govulncheck ${1:+-db "$1"} ./... 2>&1) || status=$?
case "$status $found" in
"0 "*) ;;
*"fetching vulnerabilities: "*)
	echo "lint: no way to the database of vulnerabilities, so nothing is known about them" >&2
	echo "$found" >&2
	;;
*)
	echo "$found"
	exit 1
	;;
esac
