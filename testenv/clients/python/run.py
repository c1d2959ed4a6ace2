"""Runs programs one after another in one process, and prints a line of JSON for each: its name, its record, its error.

    python3 run.py strings,cache 127.0.0.1:6379 + strings 127.0.0.1:26379 --client sentinel
"""

import itertools
import json
import pathlib
import runpy
import sys
import traceback

here, words = pathlib.Path(__file__).parent, sys.argv[1:]
rounds = [list(of) for plus, of in itertools.groupby(words, lambda word: word == "+") if not plus]
sys.argv[1:] = rounds[0][1:]

import program  # noqa: E402 (reads the arguments of the first round)

for names, *arguments in rounds:
    program.settings = program.parser.parse_args(arguments)
    for name in names.split(","):
        program.record.clear()
        error = None
        try:
            runpy.run_path(str(here / (name + ".py")), run_name="__main__")
        except Exception:
            error = traceback.format_exc()
        print(json.dumps({"name": name, "calls": program.record, "error": error}), flush=True)
