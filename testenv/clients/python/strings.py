"""Strings: with expiry, several at once, counters, and JSON."""

import json

import program
from program import refuses, same, until

client = program.connect()
client.delete("name", "visits", "lock", "flash", "config", "a:1", "a:2", "a:3", "a:4")

same(client.set("name", "Ada", ex=60), True)
same(0 < client.ttl("name") <= 60, True)
same(client.persist("name"), True)
same(client.ttl("name"), -1)
same(client.append("name", " Lovelace"), 12)
same(client.getrange("name", 4, -1), "Lovelace")
same(client.set("lock", "me", nx=True, px=60000), True)
same(client.set("lock", "you", nx=True, px=60000), None)

same(client.psetex("flash", 20, "now you see me"), True)
until("a key that expires", lambda: client.get("flash") is None)

same(client.mset({"a:1": "one", "a:2": "two", "a:3": "three"}), True)
same(client.mget("a:1", "a:2", "a:3", "a:4"), ["one", "two", "three", None])
same(client.exists("a:1", "a:2", "a:4"), 2)
same(client.incrby("visits", 5), 5)
same(client.incr("visits"), 6)
same(client.incrbyfloat("visits", 0.5), 6.5)

config = {"theme": "dark", "sizes": [1, 2, 3], "owner": {"name": "Zoë", "admin": True}}
same(client.set("config", json.dumps(config)), True)
same(json.loads(client.get("config")), config)

refuses("WRONGTYPE", client.lpush, "name", "x")
refuses("not an integer", client.incr, "name")
same(client.delete("name", "visits", "lock", "config", "a:1", "a:2", "a:3"), 7)
