#!/bin/sh
# Installs the programs that a make target needs.
#
#   sh testenv/setup.sh go         Go, in a version that can build this module
#   sh testenv/setup.sh compiler   a C compiler, which Go's race detector needs on Linux
#   sh testenv/setup.sh server     a Redis server: $REDIS_SERVER, else redis-server, else valkey-server
#   sh testenv/setup.sh rivals     nutcracker and haproxy, which make bench compares with
#   sh testenv/setup.sh tcl        Tcl, in which Redis's own tests are written
#   sh testenv/setup.sh python     Python with redis-py, in which the programs of testenv/clients are written
#   sh testenv/setup.sh node       Node.js with npm, and the modules of testenv/clients/node, exactly as locked
#   sh testenv/setup.sh clients    the other clients of make compat (PHP, Ruby, C, Python), as far as there are packages
#   sh testenv/setup.sh browser    Chromium, in which make page-test opens the page
#   sh testenv/setup.sh promtool   Prometheus with promtool, for the alert rules and the dashboard; without a package of
#                                  it they are only read
#   sh testenv/setup.sh make       make itself
#
# Missing programs come from the system's package manager (apt, dnf, apk or brew). The command is printed first; at a
# terminal the script asks before it runs it. It leaves no service running or enabled: tests start the servers that they
# need, on ports of their own.
set -eu

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
module=$(cd "$(dirname "$0")/.." && pwd)

say() { printf '%s\n' "$*" >&2; }
die() { say "setup: $*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# listening reports whether a process listens on Redis's own port (0x18EB is 6379, 0A is LISTEN).
listening() {
	if [ -r /proc/net/tcp ]; then
		cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -Eq ':18EB [0-9A-F]+:0000 0A'
	else
		nc -z 127.0.0.1 6379 >/dev/null 2>&1
	fi
}

manager() {
	for name in apt-get dnf apk brew; do
		if have "$name"; then
			echo "$name"
			return
		fi
	done
	die "there is no apt-get, dnf, apk or brew: please install $* yourself"
}

# root_prefix prints the prefix of a command that changes the system.
root_prefix() {
	if [ "$1" = brew ] || [ "$(id -u)" = 0 ]; then
		return
	fi
	have sudo || die "root (or sudo) is needed to install packages"
	echo sudo
}

# may_run prints a command, and asks if there is a terminal.
may_run() {
	say "setup: $1 is missing; this will run: $2"
	if [ -t 0 ] && [ -t 2 ]; then
		printf 'setup: continue? [Y/n] ' >&2
		read -r answer
		case $answer in
		'' | [Yy]*) ;;
		*) die "not installed" ;;
		esac
	fi
}

# apt_candidate reports whether apt has a version of a package.
apt_candidate() { apt-cache policy "$1" 2>/dev/null | grep -q 'Candidate: [0-9]'; }

# known reports whether the package manager has a package.
known() {
	case $1 in
	apt-get) apt_candidate "$2" ;;
	dnf) dnf -q info "$2" >/dev/null 2>&1 ;;
	apk) apk search -q -e "$2" 2>/dev/null | grep -q . ;;
	brew) brew info "$2" >/dev/null 2>&1 ;;
	esac
}

# first_known prints the first of several packages that the package manager has, or else the first one.
first_known() {
	with=$1
	shift
	for package in "$@"; do
		if known "$with" "$package"; then
			echo "$package"
			return
		fi
	done
	echo "$1"
}

# refresh MANAGER WHAT: fetches the list of packages, for package managers that do not do so themselves.
refresh() {
	case $1 in
	apt-get) fetch='apt-get -qq update' ;;
	apk) fetch='apk update -q' ;;
	*) return ;;
	esac
	prefix=$(root_prefix "$1")
	may_run "$2" "${prefix:+$prefix }$fetch"
	# shellcheck disable=SC2086
	$prefix $fetch >&2
}

# hold_services keeps Debian's packages from starting a service while they are installed: invoke-rc.d runs this file, and
# 101 means "no". An existing file belongs to the machine's owner, and stays.
policy=/usr/sbin/policy-rc.d
policy_is_ours=
hold_services() {
	if [ "$1" != apt-get ] || [ -e "$policy" ]; then
		return
	fi
	policy_is_ours=yes
	trap release_services EXIT
	trap 'exit 130' INT TERM
	printf '#!/bin/sh\nexit 101\n' | $(root_prefix "$1") tee "$policy" >/dev/null
	$(root_prefix "$1") chmod 755 "$policy"
}

release_services() {
	if [ -n "$policy_is_ours" ]; then
		policy_is_ours=
		$(root_prefix apt-get) rm -f "$policy"
	fi
}

# disable_services keeps a service that came with a package from starting at the next boot.
disable_services() {
	have systemctl || return 0
	for unit in "$@"; do
		if systemctl is-enabled "$unit" >/dev/null 2>&1; then
			$(root_prefix systemctl) systemctl -q disable "$unit" >&2 || say "setup: $unit is still enabled"
		fi
	done
}

# install WHAT UNITS PACKAGES...: installs packages for WHAT and disables their UNITS (a list in one word).
install() {
	what=$1 units=$2
	shift 2
	with=$(manager "$what")
	case $with in
	apt-get) options='install -y -qq --no-install-recommends' ;;
	dnf) options='install -y -q' ;;
	apk) options='add -q' ;;
	brew) options='install -q' ;;
	esac
	prefix=$(root_prefix "$with")
	may_run "$what" "${prefix:+$prefix }$with $options $*"
	was_listening=
	if listening; then was_listening=yes; fi
	hold_services "$with"
	# The options are several words, and the prefix may be empty.
	# shellcheck disable=SC2086
	DEBIAN_FRONTEND=noninteractive $prefix $with $options "$@" >&2 || die "could not install $*"
	release_services
	# shellcheck disable=SC2086
	disable_services $units
	if [ -z "$was_listening" ] && listening; then
		die "something listens on port 6379 since $* was installed: please stop that service"
	fi
}

# install_one WHAT UNITS PACKAGES...: installs the first of the packages that the package manager has.
install_one() {
	what=$1 units=$2
	shift 2
	with=$(manager "$what")
	refresh "$with" "$what" || say "setup: could not refresh the list of packages; trying with the old one"
	install "$what" "$units" "$(first_known "$with" "$@")"
}

need_go() {
	wanted=$(sed -n 's/^go //p' "$module/go.mod")
	have go || die "Go is missing: version $wanted or later is needed, see https://go.dev/doc/install"
	# go list fails if this Go is too old and may not fetch a newer toolchain.
	if ! problem=$(cd "$module" && go list -m 2>&1); then
		say "$problem"
		die "Go $wanted or later is needed, this is $(go env GOVERSION); see https://go.dev/doc/install"
	fi
}

need_compiler() {
	if [ "$(uname -s)" != Linux ] || have cc || have gcc || have clang; then
		return
	fi
	case $(manager 'a C compiler') in
	apk) install 'a C compiler' '' gcc musl-dev ;;
	dnf) install 'a C compiler' '' gcc glibc-devel ;;
	*) install_one 'a C compiler' '' build-essential ;;
	esac
}

need_server() {
	if [ -n "${REDIS_SERVER:-}" ]; then
		have "$REDIS_SERVER" || die "REDIS_SERVER is $REDIS_SERVER, which is not a program on this machine"
		server=$REDIS_SERVER
	else
		if ! have redis-server && ! have valkey-server; then
			case $(manager 'a Redis server') in
			apt-get) install_one 'a Redis server' 'redis-server valkey-server' redis-server valkey-server ;;
			*) install_one 'a Redis server' 'redis valkey' redis valkey ;;
			esac
		fi
		server=redis-server
		have redis-server || server=valkey-server
	fi
	say "setup: servers are $server ($("$server" --version | sed 's/ sha=.*//'))"
}

need_rivals() {
	for rival in nutcracker haproxy; do
		if have "$rival"; then
			continue
		fi
		install_one "$rival" "$rival" "$rival" twemproxy
	done
}

need_tcl() { have tclsh || install_one Tcl '' tcl; }

# need_python accepts that brew has no package of redis-py: the tests that need it are skipped.
need_python() {
	for python in /usr/bin/python3 python3; do
		if "$python" -c 'import redis' 2>/dev/null; then
			return
		fi
	done
	case $(manager 'Python with redis-py') in
	apk) install_one redis-py '' py3-redis ;;
	brew) say "setup: Python has no module redis: tests with it are skipped" ;;
	*) install_one redis-py '' python3-redis ;;
	esac
}

need_node() {
	have node || install_one Node.js '' nodejs
	have npm || install_one npm '' npm
	modules=$module/.cache/compat/node
	lock=package-lock.json
	if cmp -s "$module/testenv/clients/node/$lock" "$modules/$lock" && [ -e "$modules/installed" ]; then
		return
	fi
	mkdir -p "$modules"
	cp "$module/testenv/clients/node/package.json" "$module/testenv/clients/node/$lock" "$modules"
	may_run "a module of testenv/clients/node" "npm ci --ignore-scripts"
	(cd "$modules" && npm ci --ignore-scripts --no-audit --no-fund >&2) || die "could not install the Node modules"
	touch "$modules/installed"
}

# need_clients installs the other clients of make compat, on Debian; missing ones are listed below its table.
need_clients() {
	wanted=
	have php || wanted="$wanted php-cli"
	php -r 'exit((int) !extension_loaded("redis"));' 2>/dev/null || wanted="$wanted php-redis"
	ruby -e 'require "redis"' 2>/dev/null || wanted="$wanted ruby-redis"
	ruby -e 'require "sidekiq"' 2>/dev/null || wanted="$wanted ruby-sidekiq"
	[ -e /usr/include/hiredis/hiredis.h ] || wanted="$wanted libhiredis-dev"
	for name in celery rq django_redis; do
		/usr/bin/python3 -c "import $name" 2>/dev/null || wanted="$wanted python3-$(echo $name | tr _ -)"
	done
	if [ -z "$wanted" ]; then
		return
	fi
	if ! have apt-get; then
		say "setup: without these packages of Debian their clients are skipped:$wanted"
		return
	fi
	refresh apt-get 'clients for make compat' || say "setup: could not refresh the list of packages; trying the old one"
	# shellcheck disable=SC2086
	install 'clients for make compat' '' $wanted
}

# need_browser accepts each name under which chromedp looks for a browser.
need_browser() {
	for browser in chromium chromium-browser google-chrome headless-shell; do
		if have "$browser"; then
			return
		fi
	done
	case $(manager Chromium) in
	brew) die "Chromium is missing: please install it, or Google Chrome, yourself" ;;
	*) install_one Chromium '' chromium ;;
	esac
}

# need_promtool goes on without it: rules and dashboard are then only compared with the metrics of the gateway.
need_promtool() {
	have promtool && have prometheus && return
	(install_one promtool prometheus prometheus) || say "setup: without promtool the alert rules are not evaluated"
}

need_make() { have make || install_one make '' make; }

case ${1:-} in
go) need_go ;;
compiler) need_compiler ;;
server) need_server ;;
rivals) need_rivals ;;
tcl) need_tcl ;;
python) need_python ;;
node) need_node ;;
clients) need_clients ;;
browser) need_browser ;;
promtool) need_promtool ;;
make) need_make ;;
*) die "usage: setup.sh go|compiler|server|rivals|tcl|python|node|clients|browser|promtool|make" ;;
esac
