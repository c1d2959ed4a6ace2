"""A cache in front of something slow."""

import json

import program
from program import same


class Cache:
    def __init__(self, client, prefix="cache", ttl=300):
        self.client, self.prefix, self.ttl = client, prefix, ttl
        self.hits = self.misses = 0

    def _key(self, name):
        return f"{self.prefix}:{name}"

    def get(self, name, load):
        """What is cached under the name, or what load gives, which is kept."""
        if (text := self.client.get(self._key(name))) is not None:
            self.hits += 1
            return json.loads(text)
        self.misses += 1
        value = load()
        self.client.setex(self._key(name), self.ttl, json.dumps(value))
        return value

    def forget(self, name):
        return self.client.delete(self._key(name)) == 1

    def has(self, name):
        return self.client.exists(self._key(name)) == 1

    def remaining(self, name):
        return self.client.ttl(self._key(name))

    def clear(self):
        keys = sorted(self.client.scan_iter(match=self._key("*"), count=100))
        return self.client.delete(*keys) if keys else 0


cache = Cache(program.connect())
cache.clear()
for _ in range(3):
    same(cache.get("product:1", lambda: {"name": "lamp", "price": 20}), {"name": "lamp", "price": 20})
same((cache.hits, cache.misses), (2, 1))
same(cache.has("product:1"), True)
same(0 < cache.remaining("product:1") <= 300, True)
same(cache.remaining("product:2"), -2)
same(cache.forget("product:1"), True)
same(cache.forget("product:1"), False)
same(cache.has("product:1"), False)
for number in range(50):
    cache.get(f"page:{number}", lambda: number)
same(cache.clear(), 50)
same(cache.clear(), 0)
