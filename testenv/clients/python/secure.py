"""A client that trusts one CA, has a password, and checks the name of the server.

    python3 secure.py 127.0.0.1:6380 --ca ca.crt --password PASSWORD    the certificate is for 127.0.0.1 alone
"""

import redis

import program
from program import same


def fails(part, kind, **options):
    """A client that is not as it should be gets no answer, but an error that says why."""
    try:
        program.connect(**options).ping()
    except kind as error:
        if part not in str(error):
            raise
    else:
        raise AssertionError(f"{options} was answered")


client = program.connect(client_name="secure")
same(client.ping(), True)
same(client.set("secure", "1"), True)
same(client.incr("secure"), 2)
same(client.get("secure"), "2")

large = "0123456789" * 500_000
same(client.set("large", large), True)
same(client.get("large") == large, True)

with client.pipeline() as pipeline:
    for number in range(1000):
        pipeline.rpush("numbers", number)
    same(pipeline.execute()[-1], 1000)
same(client.lrange("numbers", 0, -1), [str(number) for number in range(1000)])

fails("invalid username-password pair", redis.RedisError, password="wrong")
_, port = program.endpoint(program.settings.addresses[0])
fails("CERTIFICATE_VERIFY_FAILED", redis.ConnectionError, address=f"localhost:{port}")  # another name
trusted, program.settings.ca = program.settings.ca, None
try:
    fails("", redis.ConnectionError)  # no TLS
finally:
    program.settings.ca = trusted
client.delete("secure", "large", "numbers")
