#!/bin/sh
# The part of test.sh inside of the fresh Debian, which has a Redis server on port 6379.
set -eu

say() { echo "release-test: $*" >&2; }
fail() { say "FAILED: $*"; exit 1; }
is() { [ "$2" = "$3" ] || fail "$1 is \"$2\", not \"$3\""; }

# until_ok WHAT COMMAND...: tries for 20 s.
until_ok() {
	what=$1
	shift
	for _ in $(seq 100); do
		if "$@" >/dev/null 2>&1; then
			return
		fi
		sleep 0.2
	done
	fail "$what"
}
through() { redis-cli -p 6380 "$@"; }
answers() { [ "$(through get greeting)" = hello ]; }
property() { systemctl show -P "$1" evergate.service; }
state() { systemctl is-active "$1" || true; }
settings=/etc/evergate/evergate.yaml

until_ok "the Redis server" redis-cli ping

say "install"
dpkg -i /first.deb >/dev/null
is "a first installation" "$(state evergate.service)" inactive
is "the version" "$(evergate version | cut -d ' ' -f 3)" v0.0.1
is "$settings" "$(stat -c '%U:%G %a' $settings)" "root:evergate 640"
is "its folder" "$(stat -c '%U:%G %a' /etc/evergate)" "root:evergate 750"
is "the user's shell" "$(getent passwd evergate | cut -d : -f 7)" /usr/sbin/nologin
evergate check --config $settings >/dev/null
systemd-analyze verify --man=no evergate.service evergate.socket
systemd-analyze security --threshold=25 evergate.service >/dev/null || fail "the unit is too exposed"

say "start"
systemctl -q enable --now evergate.service
is "the service" "$(state evergate.service)" active
is "its status" "$(property StatusText)" "serving clients"
is "the limit of open files" "$(property LimitNOFILE)" 1048576
until_ok "a write through the gateway" through set greeting hello
answers || fail "a read through the gateway"
is "the owner of the process" "$(stat -c %U "/proc/$(property MainPID)")" evergate
journalctl -q -u evergate -p info | grep -q 'listening: address=127.0.0.1:6380' || fail "the journal has no start"
if journalctl -q -u evergate -p warning | grep -q 'listening'; then fail "the start has the priority of a warning"; fi

say "reload"
pid=$(property MainPID)
cp $settings /kept
sed -i 's/^# log-level: .*/log-level: debug/' $settings
systemctl reload evergate.service
journalctl -q -u evergate | grep -q 'settings reloaded' || fail "nothing was reloaded"
echo 'workers: many' >>$settings
if systemctl reload evergate.service 2>/dev/null; then fail "a wrong setting was reloaded"; fi
cp /kept $settings
systemctl reload evergate.service
is "the process" "$(property MainPID)" "$pid"
is "the service" "$(state evergate.service)" active

say "log files and unix sockets"
sed -i -e 's|^# log-file:|log-file:|' -e 's|^listen: .*|listen: ["127.0.0.1:6380", "unix:/run/evergate/socket"]|' $settings
systemctl restart evergate.service
until_ok "the unix socket" runuser -u nobody -g evergate -- redis-cli -s /run/evergate/socket ping
if [ "$(runuser -u nobody -- redis-cli -s /run/evergate/socket ping 2>/dev/null)" = PONG ]; then
	fail "everybody can use the unix socket"
fi
mv /var/log/evergate/evergate.log /var/log/evergate/evergate.log.1
systemctl kill -s USR1 evergate.service
until_ok "a new log file" grep -q 'log files reopened' /var/log/evergate/evergate.log
cp /kept $settings
systemctl restart evergate.service

say "watchdog and failures"
mkdir -p /etc/systemd/system/evergate.service.d
printf '[Service]\nWatchdogSec=2s\n' >/etc/systemd/system/evergate.service.d/watchdog.conf
systemctl daemon-reload
systemctl restart evergate.service
pid=$(property MainPID)
kill -STOP "$pid"
until_ok "the watchdog's restart" sh -c "[ \$(systemctl show -P NRestarts evergate.service) -ge 1 ]"
until_ok "an answer after the restart" answers
[ "$(property MainPID)" != "$pid" ] || fail "the stopped process lives"
echo 'workers: many' >>$settings
if systemctl restart evergate.service 2>/dev/null; then fail "it started with a wrong setting"; fi
is "the exit code" "$(property ExecMainStatus)" 2
is "the service" "$(state evergate.service)" failed
cp /kept $settings
systemctl start evergate.service

say "upgrade"
until_ok "an answer" answers
echo '# of the administrator' >>$settings
pid=$(property MainPID)
dpkg -i /upgrade.deb >/dev/null
is "the service" "$(state evergate.service)" active
is "the version" "$(evergate version | cut -d ' ' -f 3)" v0.0.2
[ "$(property MainPID)" != "$pid" ] || fail "the old version runs"
until_ok "an answer of the new version" answers
through info server | grep -q 'v0.0.2' || fail "INFO has another version"
grep -q 'of the administrator' $settings || fail "the settings were overwritten"
is "the settings' file" "$(stat -c '%U:%G %a' $settings)" "root:evergate 640"

say "socket activation"
systemctl stop evergate.service
is "the exit code" "$(property ExecMainStatus)" 0
systemctl -q enable --now evergate.socket
reply=$(through get greeting)
is "the first reply" "$reply" hello
is "the service" "$(state evergate.service)" active
# A connection that is refused, or has no answer, ends the loop: the gateway restarts ten times meanwhile.
(
	n=0
	while [ ! -e /tmp/enough ]; do
		[ "$(redis-cli -p 6380 incr counter 2>&1)" -gt 0 ] 2>/dev/null || { echo refused >/tmp/refused; break; }
		n=$((n + 1))
	done
	echo $n >/tmp/connections
) &
for _ in 1 2 3 4 5 6 7 8 9 10; do systemctl restart evergate.service; done
touch /tmp/enough
wait
say "$(cat /tmp/connections) connections during ten restarts"
[ ! -e /tmp/refused ] || fail "a connection failed during a restart"
printf '[Socket]\nListenStream=127.0.0.1:6390\n' >/tmp/stray
mkdir -p /etc/systemd/system/evergate.socket.d
cp /tmp/stray /etc/systemd/system/evergate.socket.d/stray.conf
systemctl daemon-reload
systemctl stop evergate.service evergate.socket
systemctl start evergate.socket
if systemctl start evergate.service 2>/dev/null; then fail "it started with a socket that it does not serve"; fi
systemctl stop evergate.socket evergate.service
rm -r /etc/systemd/system/evergate.socket.d
systemctl daemon-reload
systemctl start evergate.socket evergate.service

say "remove and purge"
dpkg -r evergate >/dev/null
is "the service" "$(state evergate.service)" inactive
is "the socket" "$(state evergate.socket)" inactive
if redis-cli -p 6380 ping >/dev/null 2>&1; then fail "something listens"; fi
[ -e $settings ] || fail "the settings went before a purge"
dpkg -P evergate >/dev/null 2>&1
for gone in /etc/evergate /var/log/evergate /usr/bin/evergate /usr/lib/systemd/system/evergate.service; do
	[ ! -e $gone ] || fail "$gone is left"
done
say "install again, with a file of the administrator's own"
dpkg -i /upgrade.deb >/dev/null
echo secret >/etc/evergate/password
dpkg -P evergate >/dev/null 2>&1
[ -e /etc/evergate/password ] || fail "a purge removed a file that is not the package's"

say "the .rpm: install, start, upgrade and erase"
rm -r /etc/evergate /etc/systemd/system/evergate.service.d
userdel evergate
systemctl daemon-reload
rpm -K --quiet /first.rpm
rpm -i --nodeps --quiet /first.rpm 2>/dev/null # Debian's rpm warns that dpkg is the system's own
rpm -V --nodeps evergate >/dev/null || fail "an installed file is not as packed"
is "a first installation" "$(state evergate.service)" inactive
is "$settings" "$(stat -c '%U:%G %a' $settings)" "root:evergate 640"
is "its folder" "$(stat -c '%U:%G %a' /etc/evergate)" "root:evergate 750"
is "the user's shell" "$(getent passwd evergate | cut -d : -f 7)" /usr/sbin/nologin
systemctl -q enable --now evergate.service
until_ok "an answer" answers
echo '# of the administrator' >>$settings
pid=$(property MainPID)
rpm -U --nodeps --quiet /upgrade.rpm 2>/dev/null
is "the service" "$(state evergate.service)" active
is "the version" "$(evergate version | cut -d ' ' -f 3)" v0.0.2
[ "$(property MainPID)" != "$pid" ] || fail "the old version runs"
until_ok "an answer of the new version" answers
grep -q 'of the administrator' $settings || fail "the settings were overwritten"
rpm -e --nodeps --quiet evergate 2>/dev/null
is "the service" "$(state evergate.service)" inactive
if redis-cli -p 6380 ping >/dev/null 2>&1; then fail "something listens"; fi
[ -e $settings.rpmsave ] || fail "the administrator's settings are gone"
left=$(find / -xdev -path /proc -prune -o -iname '*evergate*' ! -path '/etc/evergate*' ! -path '/var/log/*' -print)
is "what an erased package leaves" "$left" ""
