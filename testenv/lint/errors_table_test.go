package lint

// The table behind docs/reference/errors.md: every error that the gateway itself answers. A text is written as a client
// sees it, with <what changes> in angle brackets.

// verdict says whether the command of an error was executed.
type verdict string

const (
	notExecuted verdict = "no"
	maybe       verdict = "perhaps"
	nothingDone verdict = "it changed nothing"
)

// answered is one text.
type answered struct {
	text     string
	reason   string // the typed reason in the source, where it has one
	executed verdict
	when     string
	advice   string
	raised   raised // where the libraries do something else than for the rest of its section
}

// raised is what the client libraries make of an error.
type raised struct{ redisPy, ioredis, goRedis, jedis string }

// errorSection is a part of the page: the texts of one prefix.
type errorSection struct {
	prefix string
	says   string
	raised raised
	texts  []answered
}

const (
	again      = "the same command again"
	fixCommand = "change the command"
	readFirst  = "read what the command was to change, then decide"
	elsewhere  = "change the program, or talk to the server itself"
	fixClient  = "this is not RESP: look at what speaks to this port"
)

var errorSections = []errorSection{
	{"LOADING", "Not executed, and certainly so. This prefix is the one that most libraries repeat by themselves.", raised{
		"`BusyLoadingError`, which is a `ConnectionError`; 6 and later connect again and repeat the command or the whole " +
			"pipeline, 8 up to 10 times, 6 and 7 up to 3 times",
		"`ReplyError`, not repeated",
		"`LoadingError` (`redis.IsLoadingError`), repeated up to 3 times within about a second; a pipeline is repeated " +
			"whole when its first command got it",
		"`JedisDataException`, not repeated"}, []answered{
		{text: "LOADING evergate: service '<name>': the servers are not known yet; the command was not executed",
			executed: notExecuted, when: "the gateway has just started and no Sentinel or node has answered yet",
			advice: again + "; if it stays, `evergate check --connect`"},
		{text: "LOADING evergate: service '<name>': no replica can serve reads; the command was not executed",
			executed: notExecuted, when: "`--reads replica`, and no replica is there and in step",
			advice: again + ", or `--reads prefer-replica`"},
		{text: "LOADING evergate: service '<name>': shard '<name>' has had no primary for <time>; the command was not " +
			"executed",
			reason: "no-primary", executed: notExecuted,
			when: "the request waited for the whole hold window, or one before it had waited that long, or the setting is " +
				"that requests do not wait",
			advice: again + ", for as long as your servers need to name a primary"},
		{text: "LOADING evergate: service '<name>': the key's slot has had no primary for <time>; the command was not " +
			"executed",
			reason: "no-primary", executed: notExecuted, when: "the same, and no node of the cluster serves the slot",
			advice: again + "; if it stays, `CLUSTER SLOTS`"},
		{text: "LOADING evergate: service '<name>': shard '<name>' has had no usable connection to its primary for <time>; " +
			"the command was not executed", reason: "no-lane", executed: notExecuted,
			when:   "the same: connections to the primary are lost, refused, or silent",
			advice: again + ", for as long as your servers need to name a primary"},
		{text: "LOADING evergate: service '<name>': shard '<name>' has had no usable connection to a replica for <time>; " +
			"the command was not executed", reason: "no-lane", executed: notExecuted,
			when: "`--reads replica`: the same for the connections to its replicas", advice: again},
		{text: "LOADING evergate: service '<name>': shard '<name>' has had no primary for <time>, and as many clients wait " +
			"already as may; the command was not executed", reason: "no-primary", executed: notExecuted,
			when: "the bound on waiting clients, or on what they have sent, was reached", advice: again},
		{text: "LOADING evergate: service '<name>': shard '<name>' has had no connection to spare for <time>; the command " +
			"was not executed", executed: notExecuted,
			when:   "WATCH or a blocking command, and as many connections of that kind as `--private-connections-max`",
			advice: "raise it, or let fewer clients block at once"},
		{text: "LOADING evergate: service '<name>': no server has acknowledged the subscription for <time>; the command " +
			"was not executed", executed: notExecuted,
			when:   "SUBSCRIBE and its kin: the connection for it is lost, or the server does not answer",
			advice: again + ", for as long as your servers need to name a primary"},
		{text: "LOADING evergate: service '<name>': shard '<name>' has no primary; the command was not executed",
			executed: notExecuted, when: "CONFIG, and a shard had no primary for the whole hold window", advice: again},
		{text: "LOADING evergate: service '<name>': <server> does not answer: <why>; the command was not executed",
			executed: notExecuted, when: "CONFIG GET, and a primary did not answer for the whole hold window",
			advice: again},
		{text: "LOADING evergate: service '<name>': shard '<name>' has refused it for <time>; the command was not executed",
			reason: "refused", executed: notExecuted,
			when:   "servers refused it for the whole hold window (READONLY, LOADING, MASTERDOWN, CLUSTERDOWN)",
			advice: again + ", for as long as your servers need to name a primary"},
	}},
	{"UNCERTAIN", "Nobody can know whether it was executed, and it is never sent a second time. It may even be executed " +
		"later, when a frozen server wakes. No library repeats this prefix by itself.", raised{
		"`ResponseError`, with the prefix in its text; not repeated", "`ReplyError`, not repeated",
		"`redis.Error` with that text, not repeated", "`JedisDataException`, not repeated"}, []answered{
		{text: "UNCERTAIN evergate: service '<name>': the connection to <server> was lost after the command was sent; " +
			"it may or may not have been executed", executed: maybe,
			when: "the server died, or was given up, with a write under way", advice: readFirst},
		{text: "UNCERTAIN evergate: service '<name>': <server> executed the command and restarted before that could be " +
			"told; it may or may not have been kept", executed: maybe,
			when:   "the primary answered while it was being left, and restarted before it was clear that it stays the primary",
			advice: readFirst},
		{text: "UNCERTAIN evergate: service '<name>': <server> executed the command while another server was made " +
			"primary; it may or may not have been kept", executed: maybe,
			when:   "the old primary answered during a failover, and the new one is not known to have what it answered",
			advice: readFirst},
		{text: "UNCERTAIN evergate: service '<name>': <server> refused MULTI; the commands of the transaction may have " +
			"been executed one by one", executed: maybe, when: "the gateway's user has no right to MULTI on the servers; for " +
			"half a minute the next MULTI is answered with their NOPERM", advice: "give it `+multi +exec +watch +unwatch`"},
		{text: "UNCERTAIN evergate: the keys lie in several slots, and the command may have been executed for some of " +
			"them only", executed: maybe,
			when:   "a part of an MSET, DEL, UNLINK or TOUCH over several slots failed after another part was sent",
			advice: readFirst + "; these commands may also just be repeated if nobody else writes these keys"},
		{text: "UNCERTAIN evergate: the command goes to several servers, and may have been executed by some of them only",
			executed: maybe, when: "a cluster, and a part of FLUSHALL, SCRIPT LOAD or the like failed after another was sent",
			advice: again + ": it leaves the same when it is done twice; FUNCTION LOAD with REPLACE"},
	}},
	{"TRYAGAIN", "Not executed, and certainly so.", raised{
		"`TryAgainError`, not repeated (`ResponseError` in 5 and older)", "`ReplyError`, not repeated",
		"`TryAgainError` (`redis.IsTryAgainError`), repeated up to 3 times; a pipeline is repeated whole when its first " +
			"command got it",
		"`JedisDataException`, not repeated"}, []answered{
		{text: "TRYAGAIN evergate: a later command of this connection was executed first; the command was not executed, " +
			"order kept", executed: notExecuted,
			when:   "a server refused it while it changed roles, and took a later command of the same pipeline",
			advice: again + ", unless it must come before the later one"},
		{text: "TRYAGAIN evergate: the servers sent the command from one to another too often; it was not executed",
			executed: notExecuted, when: "the nodes of a cluster do not agree on who serves the slot",
			advice: again + "; if it stays, `CLUSTER SLOTS` of all nodes"},
		{text: "TRYAGAIN evergate: the server did not take the command, and no other one may be meant; it was not executed",
			executed: notExecuted, when: "a command that `--allow` lets through, and the server was lost or refused it",
			advice: again + ", if the new primary is meant too"},
	}},
	{"NOAUTH, WRONGPASS", "The gateway's own password, which `--password-file` sets.", raised{
		"`AuthenticationError`, which is a `ConnectionError`; repeated like LOADING",
		"`ReplyError`, and an `error` event while it connects", "`AuthError` (`redis.IsAuthError`), not repeated",
		"`JedisAccessControlException`, not repeated"}, []answered{
		{text: "NOAUTH Authentication required.", executed: notExecuted, when: "a command came before the password",
			advice: "give the client the password"},
		{text: "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH " +
			"<user> <pass> option can be used to authenticate the client and select the RESP protocol version at the " +
			"same time", executed: notExecuted, when: "HELLO came before the password", advice: "give the client the password"},
		{text: "WRONGPASS invalid username-password pair or user is disabled.", executed: notExecuted,
			when: "the password is not the gateway's, or the user is not `default`", advice: "give the client the password",
		},
	}},
	{"NOPROTO", "", raised{"`ResponseError`", "not shown: it goes on in RESP2", "not shown: it goes on in RESP2",
		"`JedisProtocolNotSupportedException`; 8 goes on in RESP2 unless it was told RESP3"}, []answered{
		{text: "NOPROTO unsupported protocol version", executed: notExecuted, when: "HELLO with another number than 2 or 3",
			advice: "speak 2 or 3"},
	}},
	{"CROSSSLOT", "", raised{"`ClusterCrossSlotError`, not repeated (`ResponseError` in 5 and older)",
		"`ReplyError`, not repeated", "`redis.Error` with that text, not repeated", "`JedisDataException`, not repeated",
	}, []answered{
		{text: "CROSSSLOT Keys in request don't hash to the same slot", reason: "cross-slot", executed: notExecuted,
			when:   "a cluster, and a command that cannot be cut names keys of several slots",
			advice: "give the keys a common {hash tag}"},
		{text: "CROSSSLOT Keys in request don't hash to the same slot ('<key>' to <slot>, '<key>' to <slot>; write " +
			"'{<tag>}<name>' for both)", executed: notExecuted, when: "the same, of a blocking command",
			advice: "give the keys a common {hash tag}"},
	}},
	{"READONLY", "Of a listener that says it is a replica (`--facade replica`). No server's READONLY is shown.", raised{
		"`ReadOnlyError`, not repeated", "`ReplyError`, not repeated",
		"`ReadOnlyError`, repeated up to 3 times", "`JedisDataException`, not repeated"}, []answered{
		{text: "READONLY You can't write against a read only replica.", executed: notExecuted,
			when:   "it changes keys, or is a script that may (EVAL, EVALSHA, FCALL; not EVAL_RO and its like)",
			advice: "write to the service's other listener"},
	}},
	{"EXECABORT", "", raised{"`ExecAbortError`", "`ReplyError`", "`ExecAbortError` (`redis.IsExecAbortError`)",
		"`JedisDataException`"}, []answered{
		{text: "EXECABORT Transaction discarded because of previous errors.", executed: notExecuted,
			when: "EXEC behind a command that was refused between MULTI and it", advice: "see the error of that command"},
		{text: "EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command",
			executed: notExecuted, when: "EXEC with arguments, or what the server had against a command that was QUEUED; " +
				"the transaction is over", advice: fixCommand},
	}},
	{"UNBLOCKED", "", raised{"`ResponseError`, with the prefix in its text", "`ReplyError`",
		"`redis.Error` with that text", "`JedisDataException`"}, []answered{
		{text: "UNBLOCKED client unblocked via CLIENT UNBLOCK", executed: notExecuted,
			when: "a blocked client for which another one said CLIENT UNBLOCK ... ERROR", advice: "what that one meant"},
	}},
	{"ERR", "None of these is repeated by a library, except where it says so.", raised{
		"`ResponseError`, without `ERR`", "`ReplyError`", "`redis.Error` with that text", "`JedisDataException`"},
		errAnswers},
	{"ERR Protocol error", "What came is not RESP. The gateway answers in Redis's words and closes the connection, as " +
		"Redis does. It passes on what a server says whose `proto-max-bulk-len` is smaller than its own.", raised{
		"`ResponseError`, then `ConnectionError`", "`ReplyError`, then it connects again",
		"`redis.Error` with that text, then `io.EOF`; an `AuthError` where it says `unauthenticated`",
		"`JedisDataException`, then `JedisConnectionException`"}, protocolAnswers},
}

var errAnswers = []answered{
	{text: "ERR evergate: the connection to the server was lost while it answered; the command changed nothing",
		executed: nothingDone, when: "two connections ended on the same read, at the second it was alone: its reply is " +
			"longer than the servers' `client-output-buffer-limit`, or a server dies of it",
		advice: "read less at a time; else " + again + ", once"},
	{text: "ERR evergate: the server closed two connections while it was being sent the command, which may be longer " +
		"than it takes; the command was not executed", executed: notExecuted,
		when:   "it is longer than the servers' `client-query-buffer-limit`",
		advice: "raise that limit, or lower the gateway's"},
	{text: "ERR evergate: WAIT tells nothing of use without FUNCTION RESTORE, which the server refused: <error>",
		executed: nothingDone,
		when: "WAIT or WAITAOF in front of Redis 7.2, Valkey or newer, and the gateway's user has no right to it, or " +
			"the server takes no writes",
		advice: "give it `+function|restore`; ask again when the server takes writes"},
	{text: "ERR the servers' partial replies do not fit together", executed: maybe,
		when:   "the servers answered the parts of a command over several slots in different shapes",
		advice: readFirst + ", and tell us"},
	{text: "ERR max number of clients reached", executed: notExecuted,
		when:   "more than `--max-clients` connections; this one is closed",
		advice: "raise `--max-clients`, or use fewer connections",
		raised: raised{"`ConnectionError`, repeated like LOADING", "", "`MaxClientsError`, repeated up to 3 times", ""}},
	{text: "ERR unknown command '<name>', with args beginning with: <arguments>", reason: "unknown-command",
		executed: notExecuted, when: "neither the gateway nor a server knows it", advice: fixCommand},
	{text: "ERR unknown subcommand '<name>'. Try <COMMAND> HELP.", reason: "unknown-command", executed: notExecuted,
		when: "the command has no such subcommand", advice: fixCommand},
	{text: "ERR unknown subcommand or wrong number of arguments for '<name>'. Try CLIENT HELP.", executed: notExecuted,
		when: "CLIENT PAUSE or UNBLOCK with too many arguments", advice: fixCommand},
	{text: "ERR wrong number of arguments for '<name>' command", reason: "wrong-arity", executed: notExecuted,
		when: "too few or too many arguments", advice: fixCommand},
	{text: "ERR Command not allowed inside a transaction", executed: notExecuted,
		when: "CLUSTER, SELECT, HELLO, AUTH, CLIENT REPLY, SUBSCRIBE, PSUBSCRIBE, SAVE, SHUTDOWN, what has a cursor, or " +
			"what concerns all primaries of a cluster, between MULTI and EXEC", advice: "say it before MULTI"},
	{text: "ERR Can't execute '<command>': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in " +
		"this context", executed: notExecuted, when: "a client that has subscribed and speaks RESP2",
		advice: "use another connection, or RESP3"},
	{text: "ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client", executed: notExecuted,
		when: "between MULTI and EXEC, in EXEC's reply", advice: "say it before MULTI"},
	{text: "ERR Replica can't interact with the keyspace", executed: notExecuted, when: "a client that has said MONITOR",
		advice: "use another connection, or RESET"},
	{text: "ERR '<command>' tells of one server, and there are several here", reason: "one-server", executed: notExecuted,
		when: "a cluster: MEMORY STATS, LATENCY HISTOGRAM", advice: "ask the server itself"},
	{text: "ERR SWAPDB is not allowed in cluster mode", reason: "one-server", executed: notExecuted,
		when: "SWAPDB in a cluster", advice: elsewhere},
	{text: "ERR invalid cursor", executed: notExecuted, when: "SCAN, HSCAN, SSCAN or ZSCAN with no number",
		advice: fixCommand},
	{text: "ERR evergate: the server's answer to a scan is no page", executed: nothingDone,
		when: "a server answered SCAN in another shape", advice: "tell us"},
	{text: "ERR evergate: SCAN needs CLUSTER NODES, and the server says: <error>", executed: nothingDone,
		when: "a cluster, and the gateway's user has no right to it", advice: "give it `+cluster|nodes`"},
	{text: "ERR evergate: a server could not tell which keys the command has, so that nobody knows which server it is " +
		"for; it was not executed", executed: notExecuted, when: "a cluster, and a command that the gateway does not know: " +
		"its keys are found by COMMAND GETKEYS, and the gateway's user has no right to it",
		advice: "give it `+command|getkeys`"},
	{text: "ERR evergate: only a server can tell which keys the command has, and it is too long to ask; it was not " +
		"executed", executed: notExecuted, when: "the same, and the command has more than 1 MiB", advice: elsewhere},
	{text: "ERR evergate: a server could not save; its log says why", executed: maybe,
		when: "SAVE: the BGSAVE of a primary failed", advice: "look at that server's log and disk"},
	{text: "ERR evergate: the primary changed while it saved", executed: maybe,
		when: "SAVE: a failover came between", advice: again},
	{text: "ERR evergate: the servers have not saved within <time>; they go on", executed: maybe,
		when: "SAVE: it takes longer than the gateway waits", advice: "look at LASTSAVE later"},
	{text: "ERR MULTI calls can not be nested", executed: notExecuted, when: "MULTI behind MULTI", advice: fixCommand},
	{text: "ERR WATCH inside MULTI is not allowed", executed: notExecuted, when: "WATCH behind MULTI", advice: fixCommand},
	{text: "ERR EXEC without MULTI", executed: notExecuted, when: "EXEC without MULTI", advice: fixCommand},
	{text: "ERR DISCARD without MULTI", executed: notExecuted, when: "DISCARD without MULTI", advice: fixCommand},
	{text: "ERR SELECT is not allowed in cluster mode", executed: notExecuted,
		when: "a cluster or `--facade cluster`, and SELECT of another database than 0", advice: "use database 0"},
	{text: "ERR '<command>' is not allowed through the gateway: <why>; --allow '<command>' lets it through",
		reason: "forbidden", executed: notExecuted, when: "it would harm the servers or other clients",
		advice: "talk to the server itself, or let it through with `--allow`"},
	{text: "ERR '<command>' is not allowed through the gateway: <why>", executed: notExecuted,
		when: "the same, and it cannot be let through", advice: "talk to the server itself"},
	{text: "ERR '<command>' names no key that would say for which of several primaries it is; the command was not " +
		"executed",
		reason: "which-shard", executed: notExecuted, when: "a cluster, and a command that `--allow` lets through",
		advice: "talk to the server itself"},
	{text: "ERR CLIENT IMPORT-SOURCE cannot be kept through this gateway: clients share its connections",
		executed: notExecuted, when: "CLIENT IMPORT-SOURCE ON", advice: "import into the server itself"},
	{text: "ERR CLIENT NO-TOUCH cannot be kept through this gateway: clients share its connections",
		executed: notExecuted, when: "CLIENT NO-TOUCH ON", advice: "read from a replica of its own"},
	{text: "ERR 'config get <name>' is not allowed through the gateway: it would show a password of the servers",
		executed: notExecuted, when: "CONFIG GET requirepass, masterauth and the like", advice: "talk to the server itself"},
	{text: "ERR 'config set <name>' is not allowed through the gateway: it, replicas or Sentinels could lose their way " +
		"to the server; --allow '<name>' lets it through", executed: notExecuted,
		when:   "CONFIG SET of what the topology lives by: passwords, addresses, files, roles",
		advice: "talk to the server itself"},
	{text: "ERR evergate: the servers differ in '<name>': <values>", executed: notExecuted,
		when: "CONFIG GET, and the primaries of a cluster do not agree", advice: "CONFIG SET, which reaches all of them"},
	{text: "ERR evergate: CONFIG <subcommand> was done <servers>, and not on <servers>", executed: "on some servers",
		when: "CONFIG SET, RESETSTAT or REWRITE, and some servers refused it or could not be reached", advice: again},
	{text: "ERR This instance has cluster support disabled", executed: notExecuted,
		when: "CLUSTER: to its clients the gateway is one server", advice: "use a plain client, or `--facade cluster`"},
	{text: "ERR 'cluster <subcommand>' is not allowed through the gateway", reason: "forbidden", executed: notExecuted,
		when: "`--facade cluster`, and it would change the cluster", advice: "talk to the server itself"},
	{text: "ERR Unknown node <id>", executed: notExecuted,
		when: "`--facade cluster`, and CLUSTER with the id of another node than CLUSTER MYID says", advice: fixCommand},
	{text: "ERR Invalid slot", executed: notExecuted, when: "`--facade cluster`, and no slot from 0 to 16383",
		advice: fixCommand},
	{text: "ERR Invalid slot or number of keys", executed: notExecuted, when: "the same, of CLUSTER GETKEYSINSLOT",
		advice: fixCommand},
	{text: "ERR the servers of this gateway are no cluster and cannot tell the keys of a slot", executed: notExecuted,
		when:   "`--facade cluster` before other servers, and CLUSTER COUNTKEYSINSLOT or GETKEYSINSLOT",
		advice: "change the program: SCAN finds all keys"},
	{text: "ERR No such master with that name", executed: notExecuted,
		when:   "`--facade sentinel`, and SENTINEL with a name that no service has",
		advice: "`SENTINEL MASTERS` has the names"},
	{text: "ERR 'sentinel <subcommand>' is not allowed through the gateway", executed: notExecuted,
		when: "`--facade sentinel`, and it would change what is watched", advice: "talk to the Sentinels themselves"},
	{text: "ERR Only HELLO messages are accepted by Sentinel instances.", executed: notExecuted,
		when: "`--facade sentinel`, and PUBLISH", advice: fixCommand},
	{text: "ERR Can't execute '<command>': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in " +
		"this context", executed: notExecuted, when: "`--facade sentinel`, and a client that is subscribed, in RESP2",
		advice: "use another connection"},
	{text: "ERR too many or too long subscriptions for a Sentinel", executed: notExecuted,
		when: "`--facade sentinel`: more than 256, or one longer than 1 KiB", advice: fixCommand},
	{text: "ERR AUTH <password> called without any password configured for the default user. Are you sure your " +
		"configuration is correct?", executed: notExecuted, when: "AUTH where the gateway asks for no password",
		advice: "take the password out of the client, or give the gateway `--password-file`",
		raised: raised{"`AuthenticationError`, which is a `ConnectionError`; repeated like LOADING", "", "", ""}},
	{text: "ERR Protocol version is not an integer or out of range", executed: notExecuted, when: "HELLO with no number",
		advice: fixCommand},
	{text: "ERR Syntax error in HELLO option '<option>'", executed: notExecuted, when: "HELLO with an unknown option",
		advice: fixCommand},
	{text: "ERR Client names cannot contain spaces, newlines or special characters.", executed: notExecuted,
		when: "CLIENT SETNAME, HELLO SETNAME", advice: fixCommand},
	{text: "ERR No such client", executed: notExecuted, when: "CLIENT KILL of an address that no client has",
		advice: "see CLIENT LIST"},
	{text: "ERR Invalid client ID", executed: notExecuted, when: "CLIENT LIST ID with no number", advice: fixCommand},
	{text: "ERR client-id should be greater than 0", executed: notExecuted, when: "CLIENT KILL ID with no such number",
		advice: fixCommand},
	{text: "ERR maxage is not an integer or out of range", executed: notExecuted, when: "CLIENT KILL MAXAGE",
		advice: fixCommand},
	{text: "ERR No such user '<name>'", executed: notExecuted, when: "CLIENT KILL USER with another name than `default`",
		advice: fixCommand},
	{text: "ERR Unknown client type '<type>'", executed: notExecuted, when: "CLIENT LIST TYPE, CLIENT KILL TYPE",
		advice: fixCommand},
	{text: "ERR timeout is not an integer or out of range", executed: notExecuted, when: "CLIENT PAUSE",
		advice: fixCommand},
	{text: "ERR timeout is out of range", executed: notExecuted, when: "CLIENT PAUSE for longer than time goes on",
		advice: fixCommand},
	{text: "ERR timeout is negative", executed: notExecuted, when: "CLIENT PAUSE", advice: fixCommand},
	{text: "ERR CLIENT PAUSE mode must be WRITE or ALL", executed: notExecuted, when: "CLIENT PAUSE",
		advice: fixCommand},
	{text: "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR", executed: notExecuted, when: "CLIENT UNBLOCK",
		advice: fixCommand},
	{text: "ERR Unrecognized option '<option>'", executed: notExecuted, when: "CLIENT SETINFO", advice: fixCommand},
	{text: "ERR <attribute> cannot contain spaces, newlines or special characters.", executed: notExecuted,
		when: "CLIENT SETINFO", advice: fixCommand},
	{text: "ERR value is not an integer or out of range", executed: notExecuted, when: "SELECT, CLIENT UNBLOCK",
		advice: fixCommand},
	{text: "ERR value is out of range, value must between -2147483648 and 2147483647", executed: notExecuted,
		when: "SELECT", advice: fixCommand},
	{text: "ERR DB index is out of range", executed: notExecuted,
		when:   "SELECT of a database that the servers do not have",
		advice: "raise `databases` of the servers"},
	{text: "ERR syntax error", executed: notExecuted, when: "AUTH or CLIENT with words it does not take",
		advice: fixCommand},
}

var protocolAnswers = []answered{
	{text: "ERR Protocol error: too big mbulk count string", executed: notExecuted,
		when: "a line `*...` without an end", advice: fixClient},
	{text: "ERR Protocol error: invalid multibulk length", executed: notExecuted,
		when: "no number behind `*`, or more arguments than a command may have", advice: fixClient},
	{text: "ERR Protocol error: unauthenticated multibulk length", executed: notExecuted,
		when: "more than 10 arguments before the password", advice: "give the password first"},
	{text: "ERR Protocol error: too big bulk count string", executed: notExecuted,
		when: "a line `$...` without an end", advice: fixClient},
	{text: "ERR Protocol error: expected '$', got '<byte>'", executed: notExecuted,
		when: "an argument that does not begin with `$`", advice: fixClient},
	{text: "ERR Protocol error: unauthenticated bulk length", executed: notExecuted,
		when: "an argument of more than 16 KiB before the password", advice: "give the password first"},
	{text: "ERR Protocol error: invalid bulk length", executed: notExecuted,
		when: "no number behind `$`, or an argument longer than `--proto-max-bulk-len`", advice: "raise it, or " + fixClient},
	{text: "ERR Protocol error: too big inline request", executed: notExecuted,
		when: "a line of more than 64 KiB", advice: fixClient},
	{text: "ERR Protocol error: unbalanced quotes in request", executed: notExecuted,
		when: "an inline command with a quote that does not end", advice: fixClient},
}

// closed says what lies behind each reason for which the gateway closes a connection, and what was executed.
var closed = map[string]string{
	"client-left": "The client closed it. What it had sent completely may be executed, what it had not is dropped.",
	"quit":        "It said QUIT and was answered OK.",
	"protocol-error": "What it sent is not RESP; the error above came before. A browser that was led here is closed " +
		"without a word.",
	"output-limit": "It does not read its replies: more than `--client-output-buffer-limit` wait for it. What it had " +
		"sent may be executed.",
	"query-limit":  "More than `--client-query-buffer-limit` of what it sent waits. What waits is not executed.",
	"idle-timeout": "It sent nothing for `--idle-timeout`. Nothing was under way.",
	"auth-timeout": "It gave no password within `--auth-timeout`. Nothing was executed.",
	"half-reply": "A server died in the middle of a long reply whose beginning the client already has. A read changed " +
		"nothing; a write was executed.",
	"killed": "Another client, or itself, said CLIENT KILL. What it had sent may be executed.",
	"tunnel-ended": "The server ended the connection that SYNC, PSYNC or REPLCONF had made that of a replica, or it is " +
		"no primary any more.",
	"blocking-lost": "The connection of its blocking pop was lost, and `--blocking-lost` is close. An element may have " +
		"been taken.",
	"slow-subscriber": "It reads too slowly for what it subscribed to: more than `--pubsub-output-buffer-limit` " +
		"wait for it. The log names it.",
	"subscription-lost": "A server refuses what it had subscribed to (a changed ACL, as a rule).",
	"gap": "Messages that it subscribed to may have been missed, as when a server was lost, and `--on-gap` is close. " +
		"It had nothing else under way, or in RESP3 as for `client-left`.",
	"drained": "The gateway is stopping. Everything that was sent to servers was answered before, except what " +
		"blocks.",
	"too-many": "More than `--max-clients`; it was told so.",
}
