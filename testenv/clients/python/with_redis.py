"""redis-py."""

import threading

import redis

import steady
from steady import same, until

client = redis.Redis(steady.host, steady.port, decode_responses=True, **steady.tls)
same(client.set("{compat}:text", "value", ex=100), True)
same(client.get("{compat}:text"), "value")
same(client.incrby("{compat}:number", 42), 42)

with client.pipeline(transaction=False) as pipe:
    same(pipe.get("{compat}:text").incr("other").get("none").execute(), ["value", 1, None])

with client.pipeline() as pipe:
    pipe.watch("{compat}:number")
    number = int(pipe.get("{compat}:number"))
    pipe.multi()
    pipe.set("{compat}:number", number + 1)
    pipe.get("{compat}:number")
    same(pipe.execute(), [True, "43"])

script = client.register_script("return redis.call('GET', KEYS[1]) .. ARGV[1]")
same(script(["{compat}:text"], ["!"]), "value!")
same(script(["{compat}:text"], ["?"]), "value?")

threading.Timer(0.1, client.lpush, ["{compat}:queue", "job"]).start()
same(client.blpop("{compat}:queue", timeout=5), ("{compat}:queue", "job"))

with client.lock("{compat}:lock", timeout=10):
    same(client.exists("{compat}:lock"), 1)
same(client.exists("{compat}:lock"), 0)

listener = client.pubsub()
listener.subscribe("news")
same(listener.get_message(timeout=5)["type"], "subscribe")
same(client.publish("news", "first"), 1)
same(until("the message", listener.get_message)["data"], "first")

entry = client.xadd("{compat}:stream", {"field": "value"})
same(client.xread({"{compat}:stream": "0"}), [["{compat}:stream", [(entry, {"field": "value"})]]])
same(sorted(client.scan_iter("{compat}:t*")), ["{compat}:text"])


def write(number):
    client.rpush("{compat}:list", number)
    client.lindex("{compat}:list", -1)


def read_all(_):
    # What was subscribed before the primary died still is.
    until("a message of today", lambda: client.publish("news", "second") and listener.get_message(timeout=0.1))
    return client.lrange("{compat}:list", 0, -1)


steady.run("redis-py", redis.__version__, [
    "strings", "pipeline", "WATCH and MULTI", "EVALSHA", "BLPOP", "lock", "pub/sub, over the switch", "streams", "SCAN"],
    "{compat}:list", write, read_all)
