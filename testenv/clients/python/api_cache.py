"""A decorator that keeps the answers of an API."""

import functools
import hashlib
import json

import program
from program import same


def cached(client, ttl=60):
    def decorate(fetch):
        @functools.wraps(fetch)
        def wrapper(*args, **options):
            asked = json.dumps([args, options], sort_keys=True)
            key = f"api:{fetch.__name__}:{hashlib.md5(asked.encode()).hexdigest()}"
            if (text := client.get(key)) is not None:
                return json.loads(text)
            answer = fetch(*args, **options)
            client.set(key, json.dumps(answer), ex=ttl)
            return answer

        wrapper.forget = lambda: sum(client.delete(key) for key in list(client.scan_iter(f"api:{fetch.__name__}:*")))
        return wrapper

    return decorate


client = program.connect()
fetched = []


@cached(client, ttl=30)
def weather(city, unit="C"):
    fetched.append((city, unit))
    return {"city": city, "unit": unit, "degrees": 21}


weather.forget()
for city in ("Bern", "Oslo", "Bern", "Bern", "Oslo"):
    same(weather(city), {"city": city, "unit": "C", "degrees": 21})
same(weather("Bern", unit="F")["unit"], "F")
same(fetched, [("Bern", "C"), ("Oslo", "C"), ("Bern", "F")])
same(weather.forget(), 3)
weather("Bern")
same(len(fetched), 4)
same(weather.forget(), 1)
