"""A rate limiter in Lua; and what no application may do to the servers."""

import program
from program import refuses, same

LIMIT = """
local used = redis.call('INCR', KEYS[1])
if used == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
if used > tonumber(ARGV[1]) then return {0, redis.call('PTTL', KEYS[1])} end
return {1, tonumber(ARGV[1]) - used}
"""

client = program.connect()
client.script_flush()
limit = client.register_script(LIMIT)


def allowed(user, most=5, milliseconds=60_000):
    return limit(keys=[f"limit:{user}"], args=[most, milliseconds])


client.delete("limit:ada", "limit:grace", "limit:brief")
same([allowed("ada") for _ in range(5)], [[1, left] for left in (4, 3, 2, 1, 0)])
with program.unrecorded():  # how long to wait is of the moment
    refused, wait = allowed("ada")
same(refused == 0 and 0 < wait <= 60_000, True)
same(allowed("grace"), [1, 4])
same(client.script_exists(limit.sha), [True])
same(allowed("brief", most=1, milliseconds=30), [1, 0])
program.until("the next window", lambda: allowed("brief", most=1, milliseconds=30)[0] == 1)
same(client.eval("return {KEYS[1], ARGV[1]}", 1, "limit:ada", "x"), ["limit:ada", "x"])
refuses("command called from script", client.eval, "return redis.call('nosuch')", 0)
same(client.delete("limit:ada", "limit:grace"), 2)

same(client.config_set("slowlog-log-slower-than", 10001), True)
same(client.config_get("slowlog-log-slower-than"), {"slowlog-log-slower-than": "10001"})
refuses("Unknown option", client.config_set, "nosuch", "x")
# A Redis would do all this.
if not program.settings.straight:
    for harm in ("DEBUG SLEEP 0", "REPLICAOF NO ONE", "ACL SETUSER eve on nopass", "MODULE LOAD evil.so", "FAILOVER"):
        refuses("not allowed through the gateway", client.execute_command, *harm.split())
    for name, value in {"requirepass": "secret", "bind": "0.0.0.0", "protected-mode": "no", "dir": "/tmp"}.items():
        refuses("not allowed through the gateway", client.config_set, name, value)
    refuses("not allowed through the gateway", client.config_get, "requirepass")
