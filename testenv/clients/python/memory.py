"""What uses the memory, and how much of it compression saves."""

import json
import zlib

import program
from program import same

LARGE = 10_000  # bytes

client = program.connect(decode_responses=False)  # compressed values are no text


def clear():
    keys = sorted(client.scan_iter(match="mem:*", count=500))
    return client.delete(*keys) if keys else 0


def large_keys():
    keys = sorted(client.scan_iter(match="mem:*", count=50))
    return {key: size for key in keys if (size := client.memory_usage(key)) > LARGE}


clear()
with client.pipeline(transaction=False) as pipe:
    for number in range(300):
        pipe.set(f"mem:{number}", "x" * (20_000 if number % 30 == 0 else 100))
    pipe.rpush("mem:list", *("y" * 1000 for _ in range(30)))
    same(len(pipe.execute()), 301)

found = large_keys()
same(sorted(found), sorted([b"mem:list", *(b"mem:%d" % number for number in range(0, 300, 30))]))
same(all(20_000 < size < 50_000 for size in found.values()), True)
same(client.memory_usage("mem:none"), None)
info = program.info(client, "memory")
same(info["used_memory"] > sum(found.values()), True)
same(info["used_memory_peak"] >= info["used_memory"], True)
same(info["used_memory_human"][-1] in "BKMG" and info["mem_fragmentation_ratio"] > 0, True)

document = [{"id": number, "text": "the same words again and again"} for number in range(500)]
text = json.dumps(document).encode()
same(client.set("mem:text", text), True)
same(client.set("mem:compressed", zlib.compress(text)), True)
same(json.loads(zlib.decompress(client.get("mem:compressed"))), document)
same(client.memory_usage("mem:compressed") * 5 < client.memory_usage("mem:text"), True)
same(clear(), 303)
