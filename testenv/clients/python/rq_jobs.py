"""The jobs of with_rq.py, and as a program the worker that does them: rq_jobs.py HOST:PORT."""

import sys

import redis
import rq

DONE = "{compat}:done"


def double(number):
    return 2 * number


def fail_once(number):
    if rq.get_current_job().retries_left:
        raise ValueError("as it should")
    return number


def work(number):
    rq.get_current_connection().rpush(DONE, number)


if __name__ == "__main__":
    host, _, port = sys.argv[1].rpartition(":")
    # A worker that forks for each job would be most of the time of the test.
    rq.SimpleWorker(["work"], connection=redis.Redis(host, int(port))).work(logging_level="CRITICAL")
