"""Has the servers save, looks what came of it, and finds that it may not shut them down."""

import pathlib

import program
from program import refuses, same

client = program.connect()
same(client.set("backup:key", "kept"), True)
before = client.lastsave()
same(client.save(), True)
same(client.lastsave() >= before, True)
persistence = program.info(client, "persistence")
same((persistence["rdb_last_bgsave_status"], persistence["rdb_bgsave_in_progress"]), ("ok", 0))
same(client.bgsave(), True)
program.until("the end of the save", lambda: program.info(client, "persistence")["rdb_bgsave_in_progress"] == 0)

name = client.config_get("dbfilename")["dbfilename"]
same(name, "dump.rdb")
try:
    directory = client.config_get("dir")["dir"]
except program.ResponseError as error:  # several primaries: each has its own
    same("the servers differ in 'dir'" in str(error), True)
else:
    same((pathlib.Path(directory) / name).stat().st_size > 0, True)

if not program.settings.straight:  # a Redis would be gone
    refuses("not allowed through the gateway", client.shutdown, nosave=True)
    refuses("not allowed through the gateway", client.execute_command, "SHUTDOWN")
same(client.get("backup:key"), "kept")
same(client.delete("backup:key"), 1)
