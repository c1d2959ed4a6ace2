"""Is the server there, and which one is it?"""

import redis

import program
from program import same

patient = {"socket_connect_timeout": 5, "socket_timeout": 30, "health_check_interval": 10}
client = program.connect(client_name="first-steps", **patient)
same(client.ping(), True)
same(client.echo("hello"), "hello")
same(client.client_getname(), "first-steps")
same(client.set("greeting", "hello"), True)
same(client.get("greeting"), "hello")
same(client.delete("greeting"), 1)
server = client.info("server")
same(server.get("redis_mode", server.get("server_mode")), "standalone")  # Valkey has the other

# Nobody listens on port 1: the error must be one that programs catch.
try:
    redis.Redis("127.0.0.1", 1, socket_connect_timeout=1).ping()
except redis.ConnectionError:
    pass
else:
    raise AssertionError("somebody answers on port 1")
