"""Profiles of users, each a hash."""

import warnings

import program
from program import same

# What was written years ago says HMSET, which redis-py tells it not to.
warnings.simplefilter("ignore", DeprecationWarning)

client = program.connect()
client.delete("user:1000", "user:1001")

same(client.hmset("user:1000", {"name": "Ada", "email": "ada@example.com", "visits": 0}), True)
same(client.hset("user:1001", mapping={"name": "Grace", "email": "grace@example.com"}), 2)
same(client.hgetall("user:1000"), {"name": "Ada", "email": "ada@example.com", "visits": "0"})
same(client.hmget("user:1001", "name", "phone"), ["Grace", None])
same(client.hincrby("user:1000", "visits", 3), 3)
same(client.hexists("user:1000", "email"), True)
same(client.hdel("user:1000", "email", "phone"), 1)
same(client.hkeys("user:1000"), ["name", "visits"])
same(client.hvals("user:1001"), ["Grace", "grace@example.com"])
same(client.hlen("user:1000"), 2)
same(client.hsetnx("user:1000", "name", "Somebody"), False)
same(client.hget("user:1000", "name"), "Ada")
same(dict(client.hscan_iter("user:1001")), {"name": "Grace", "email": "grace@example.com"})

with client.pipeline(transaction=False) as pipe:  # several users at once
    for user in ("user:1000", "user:1001", "user:1002"):
        pipe.hget(user, "name")
    same(pipe.execute(), ["Ada", "Grace", None])
same(client.delete("user:1000", "user:1001"), 2)
