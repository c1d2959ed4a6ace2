"""django-redis: Django's cache."""

import django
import django_redis
from django.conf import settings

import steady
from steady import same

settings.configure(CACHES={"default": {
    "BACKEND": "django_redis.cache.RedisCache", "LOCATION": f"redis://{steady.host}:{steady.port}/0",
    "KEY_PREFIX": "{compat}"}})
django.setup()

from django.core.cache import cache  # noqa: E402, needs the settings

same(cache.set("text", {"a": [1, "b"]}, timeout=100), True)
same(cache.get("text"), {"a": [1, "b"]})
same(cache.get("none", "nothing"), "nothing")
same(cache.add("text", "another"), False)
same(cache.get_or_set("computed", lambda: 42), 42)
same(cache.set("number", 41), True)
same(cache.incr("number"), 42)
same(0 < cache.ttl("text") <= 100, True)
cache.set_many({f"many:{i}": i for i in range(100)})
same(cache.get_many([f"many:{i}" for i in range(100)]), {f"many:{i}": i for i in range(100)})
same(sorted(cache.iter_keys("many:1*")), sorted(f"many:{i}" for i in [1, *range(10, 20)]))
same(cache.delete_pattern("many:*"), 100)
same(cache.delete_many(["text", "computed", "none"]), 2)
with cache.lock("lock", timeout=60):
    same(cache.has_key("lock"), True)
same(cache.has_key("lock"), False)
raw = django_redis.get_redis_connection("default")


def write(number):
    cache.set(f"steady:{number}", number, timeout=None)
    cache.get(f"steady:{number}")


def read_all(acknowledged):
    return cache.get_many([f"steady:{number}" for number in acknowledged]).values()


steady.run("django-redis", django_redis.__version__, [
    "set, get, add, incr, ttl", "set_many and get_many of 100", "iter_keys", "delete_pattern", "lock"],
    cache.make_key("steady:0"), write, read_all,
    "KEY_PREFIX with braces, since set_many is a transaction, which has all its keys in one slot in a cluster")
