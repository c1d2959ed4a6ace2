package lint

// The table behind docs/reference/errors.md: every error that the gateway itself replies with. A text is written as a
// client sees it, with its variables in <angle brackets>.

// verdict is whether the command of an error was executed.
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
	raised   raised // if the libraries do something else than for the rest of its section
}

// raised is how the client libraries report an error.
type raised struct{ redisPy, ioredis, goRedis, jedis string }

// errorSection is a part of the page: the texts of one prefix.
type errorSection struct {
	prefix string
	about  string
	raised raised
	texts  []answered
}

const (
	again      = "retry the command"
	fixCommand = "correct the command"
	readFirst  = "read the keys of the command before you retry it"
	elsewhere  = "change the program, or connect to the server itself"
	fixClient  = "check what connects to this port: it does not speak RESP"
)

var errorSections = []errorSection{
	{"LOADING", "The command was not executed. Most libraries retry commands that fail with this prefix.", raised{
		"`BusyLoadingError`, which is a `ConnectionError`; 6 and later reconnect and retry the command or the whole " +
			"pipeline, 8 up to 10 times, 6 and 7 up to 3 times",
		"`ReplyError`, not retried",
		"`LoadingError` (`redis.IsLoadingError`), retried up to 3 times within about a second; a pipeline is retried " +
			"whole when its first command fails with it",
		"`JedisDataException`, not retried"}, []answered{
		{text: "LOADING evergate: service '<name>': the topology is not known yet; the command was not executed",
			executed: notExecuted, when: "the gateway has just started, and no Sentinel or node has answered yet",
			advice: again + "; if it persists, run `evergate check --connect`"},
		{text: "LOADING evergate: service '<name>': no replica is available for reads; the command was not executed",
			executed: notExecuted, when: "`--reads replica`, and no replica is reachable and in sync",
			advice: again + ", or `--reads prefer-replica`"},
		{text: "LOADING evergate: service '<name>': shard '<name>' has had no primary for <time>; the command was not " +
			"executed",
			reason: "no-primary", executed: notExecuted,
			when:   "the request, or an earlier one, has waited for the whole `--hold` window, or `--hold` is off",
			advice: again + ", for as long as a failover of your servers takes"},
		{text: "LOADING evergate: service '<name>': shard '<name>' has been fenced for <time>: <why>; the command was not " +
			"executed",
			executed: notExecuted, when: "the same, and `--fence-minority` has stopped writes",
			advice: "check the network between the gateway and the Sentinels that the log calls unreachable"},
		{text: "LOADING evergate: service '<name>': the key's slot has had no primary for <time>; the command was not " +
			"executed",
			reason: "no-primary", executed: notExecuted, when: "the same, while no node of the cluster serves the slot",
			advice: again + "; if it persists, check `CLUSTER SLOTS`"},
		{text: "LOADING evergate: service '<name>': shard '<name>' has had no usable connection to its primary for " +
			"<time>; the command was not executed", reason: "no-connection", executed: notExecuted,
			when:   "the same, because connections to the primary are lost, rejected or silent",
			advice: again + ", for as long as a failover of your servers takes"},
		{text: "LOADING evergate: service '<name>': shard '<name>' has had no usable connection to a replica for <time>; " +
			"the command was not executed", reason: "no-connection", executed: notExecuted,
			when: "the same for connections to replicas, with `--reads replica`", advice: again},
		{text: "LOADING evergate: service '<name>': shard '<name>' has had no primary for <time>, and the limit of " +
			"waiting clients or of their input is reached; the command was not executed", reason: "no-primary",
			executed: notExecuted,
			when:     "`--hold-sessions-max` or `--hold-bytes-max` is reached", advice: again},
		{text: "LOADING evergate: service '<name>': shard '<name>' had no dedicated connection available for <time>; " +
			"the command was not executed", executed: notExecuted,
			when:   "WATCH or a blocking command, and `--private-connections-max` is reached",
			advice: "raise the limit, or block fewer clients at once"},
		{text: "LOADING evergate: service '<name>': no server acknowledged the subscription within <time>; the command " +
			"was not executed", executed: notExecuted,
			when:   "SUBSCRIBE and the like, while the server or the connection to it is down",
			advice: again + ", for as long as a failover of your servers takes"},
		{text: "LOADING evergate: service '<name>': shard '<name>' has no primary; the command was not executed",
			executed: notExecuted, when: "CONFIG, and a shard has had no primary for the whole `--hold` window",
			advice: again},
		{text: "LOADING evergate: service '<name>': <server> does not answer: <why>; the command was not executed",
			executed: notExecuted, when: "CONFIG GET, and a primary did not answer within the `--hold` window",
			advice: again},
		{text: "LOADING evergate: service '<name>': shard '<name>' has rejected the command for <time>; the command was " +
			"not executed",
			reason: "refused", executed: notExecuted,
			when:   "READONLY, LOADING, MASTERDOWN or CLUSTERDOWN of servers for the whole `--hold` window",
			advice: again + ", for as long as a failover of your servers takes"},
		{text: "LOADING evergate: service '<name>': no server could check the user: <why>; the command was not executed",
			executed: notExecuted, when: "`--upstream-auth pass`, and no server answered within the `--hold` window",
			advice: again},
		{text: "LOADING evergate: service '<name>': no server could describe the command; the command was not executed",
			executed: notExecuted,
			when:     "a command that the gateway does not know, and a server replied to COMMAND INFO with an error",
			advice:   again + "; if it persists, check that the servers have not renamed COMMAND"},
	}},
	{"UNCERTAIN", "Whether the command was executed cannot be known, and the gateway does not retry it. A frozen server " +
		"may even execute it later, when it resumes, but not behind what is sent through this gateway after the " +
		"reply. No library retries commands that fail with this prefix.", raised{
		"`ResponseError`, with the prefix in its text; not retried", "`ReplyError`, not retried",
		"`redis.Error` with that text, not retried", "`JedisDataException`, not retried"}, []answered{
		{text: "UNCERTAIN evergate: service '<name>': the connection to <server> was lost after the command was sent; " +
			"it may or may not have been executed", executed: maybe,
			when: "the server died or was abandoned with a write in flight", advice: readFirst},
		{text: "UNCERTAIN evergate: service '<name>': <server> executed the command and then restarted; its effect may " +
			"or may not have been kept", executed: maybe,
			when:   "the primary replied during a failover, and restarted before it was confirmed as the primary",
			advice: readFirst},
		{text: "UNCERTAIN evergate: service '<name>': <server> executed the command while another server was promoted; " +
			"its effect may or may not have been kept", executed: maybe,
			when:   "the old primary replied during a failover, and the new one is not known to have received the write",
			advice: readFirst},
		{text: "UNCERTAIN evergate: service '<name>': <server> rejected MULTI; the commands of the transaction may have " +
			"been executed one by one", executed: maybe,
			when: "the gateway's ACL user lacks MULTI on the servers; for half a minute further MULTI fail with their " +
				"NOPERM",
			advice: "grant it `+multi +exec +watch +unwatch`"},
		{text: "UNCERTAIN evergate: the keys are in several slots, and the command may have been executed for only " +
			"some of them", executed: maybe,
			when:   "one part of an MSET, DEL, UNLINK or TOUCH over several slots failed after another was sent",
			advice: readFirst + ", or just retry it if no other client writes these keys"},
		{text: "UNCERTAIN evergate: the command was sent to several servers, and only some of them may have executed it",
			executed: maybe,
			when:     "a cluster, and one part of FLUSHALL, SCRIPT LOAD or the like failed after another was sent",
			advice:   again + ", which is idempotent; FUNCTION LOAD with REPLACE"},
		{text: "UNCERTAIN evergate: service '<name>': <server> executed the command, and <count> of <count> replicas " +
			"confirmed it within <time>; its effect may or may not be kept", executed: maybe,
			when:   "`--acks`, and too few replicas confirmed the write in time; a failover may lose it",
			advice: readFirst},
		{text: "UNCERTAIN evergate: service '<name>': <server> executed the command, and its WAIT was answered: " +
			"<error>; its effect may or may not be kept", executed: maybe,
			when: "`--acks`, and the server rejected the WAIT behind the write, for example since the gateway's ACL user " +
				"lacks the right to it, or since the server is a replica now",
			advice: readFirst + "; grant the user `+wait`"},
		{text: "UNCERTAIN evergate: service '<name>': <server> executed the command, and what is sent ahead of its WAIT " +
			"was rejected: <error>; its effect may or may not be kept", executed: maybe,
			when:   "`--acks` and a blocking pop, and the gateway's ACL user lacks the right to FUNCTION RESTORE",
			advice: "grant the user `+function|restore`; the element was popped"},
		{text: "UNCERTAIN evergate: service '<name>': <server> executed the command, and the connection was lost before " +
			"replicas had confirmed it; its effect may or may not be kept", executed: maybe,
			when:   "`--acks`, and the server died or was abandoned before replicas had confirmed the write",
			advice: readFirst},
	}},
	{"NOREPLICAS", "The command was not executed.", raised{
		"`ResponseError`, with the prefix in its text; not retried", "`ReplyError`, not retried",
		"`redis.Error` with that text, retried up to 3 times; a pipeline is retried whole when its first command fails " +
			"with it", "`JedisDataException`, not retried"}, []answered{
		{text: "NOREPLICAS evergate: service '<name>': shard '<name>' has <count> replicas attached, and <count> must " +
			"confirm a write; the command was not executed", executed: notExecuted,
			when:   "`--acks`, and fewer replicas are attached to the primary than must confirm each write",
			advice: again + " when a replica is back"},
	}},
	{"TRYAGAIN", "The command was not executed.", raised{
		"`TryAgainError`, not retried (`ResponseError` in 5 and older)", "`ReplyError`, not retried",
		"`TryAgainError` (`redis.IsTryAgainError`), retried up to 3 times; a pipeline is retried whole when its first " +
			"command fails with it",
		"`JedisDataException`, not retried"}, []answered{
		{text: "TRYAGAIN evergate: the command was not executed, because a later one of this connection already was",
			executed: notExecuted,
			when:     "a server rejected it while its role changed, and accepted a later command of the same pipeline",
			advice:   again + ", unless it must come before the later one"},
		{text: "TRYAGAIN evergate: too many redirections; the command was not executed",
			executed: notExecuted, when: "the nodes of a cluster do not agree on who serves the slot",
			advice: again + "; if it persists, check `CLUSTER SLOTS` of all nodes"},
		{text: "TRYAGAIN evergate: the server did not accept the command, which is not retried on another one; it was " +
			"not executed",
			executed: notExecuted, when: "a command that `--allow` permits, and the server was lost or rejected it",
			advice: again + ", if it is meant for the new primary, too"},
	}},
	{"NOAUTH, WRONGPASS", "The gateway's own password (`--password-file`), or its users (`--users-file`).", raised{
		"`AuthenticationError`, which is a `ConnectionError`; retried like LOADING",
		"`ReplyError`, and an `error` event while it connects", "`AuthError` (`redis.IsAuthError`), not retried",
		"`JedisAccessControlException`, not retried"}, []answered{
		{text: "NOAUTH Authentication required.", executed: notExecuted, when: "a command before AUTH",
			advice: "configure the password of the client"},
		{text: "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH " +
			"<user> <pass> option can be used to authenticate the client and select the RESP protocol version at the " +
			"same time", executed: notExecuted, when: "HELLO before AUTH", advice: "configure the password of the client"},
		{text: "WRONGPASS invalid username-password pair or user is disabled.", executed: notExecuted,
			when:   "the password is wrong, there is no such user (without `--users-file` only `default`), or it is off",
			advice: "configure the user and the password of the client",
		},
	}},
	{"NOPERM", "The rights of the client's user (`--users-file`). `ACL LOG` shows the latest of these errors; the same " +
		"texts come from servers where the gateway's own user lacks a right.", raised{
		"`NoPermissionError`, which is a `ResponseError`; not retried", "`ReplyError`, not retried",
		"`PermissionError` (`redis.IsPermissionError`), not retried", "`JedisAccessControlException`, not retried",
	}, []answered{
		{text: "NOPERM User <user> has no permissions to run the '<command>' command", executed: notExecuted,
			when: "no rule of the user allows the command", advice: "give the user the right (`+<command>`)"},
		{text: "NOPERM No permissions to access a key", executed: notExecuted,
			when:   "no rule of the user allows one of the keys, or what the command does with it",
			advice: "give the user a pattern for the key (`~`, `%R~` or `%W~`)"},
		{text: "NOPERM No permissions to access a channel", executed: notExecuted,
			when:   "no rule of the user allows one of the channels; PSUBSCRIBE needs a rule with the very same pattern",
			advice: "give the user a pattern for the channel (`&`)"},
		{text: "NOPERM evergate: the rights to the command were not checked; it was not executed. This is a bug: please " +
			"report it", executed: notExecuted, when: "never", advice: "report a bug"},
	}},
	{"NOPROTO", "", raised{"`ResponseError`", "not shown: it continues in RESP2", "not shown: it continues in RESP2",
		"`JedisProtocolNotSupportedException`; 8 continues in RESP2 unless RESP3 is set"}, []answered{
		{text: "NOPROTO unsupported protocol version", executed: notExecuted,
			when:   "HELLO with a version other than 2 or 3",
			advice: "use RESP2 or RESP3"},
	}},
	{"CROSSSLOT", "", raised{"`ClusterCrossSlotError`, not retried (`ResponseError` in 5 and older)",
		"`ReplyError`, not retried", "`redis.Error` with that text, not retried", "`JedisDataException`, not retried",
	}, []answered{
		{text: "CROSSSLOT Keys in request don't hash to the same slot", reason: "cross-slot", executed: notExecuted,
			when:   "a cluster, and a command that cannot be split has keys in several slots",
			advice: "give the keys a common {hash tag}"},
		{text: "CROSSSLOT Keys in request don't hash to the same slot ('<key>' to <slot>, '<key>' to <slot>; a " +
			"common {hash tag} puts both in one)", executed: notExecuted, when: "the same for a blocking command",
			advice: "give the keys a common {hash tag}"},
	}},
	{"READONLY", "Only from a listener with `--facade replica`. A READONLY of a server is never passed on.", raised{
		"`ReadOnlyError`, not retried", "`ReplyError`, not retried",
		"`ReadOnlyError`, retried up to 3 times", "`JedisDataException`, not retried"}, []answered{
		{text: "READONLY You can't write against a read only replica.", executed: notExecuted,
			when:   "a write, or a script that may write (EVAL, EVALSHA, FCALL; not EVAL_RO and the like)",
			advice: "connect to a listener of the service without that facade"},
	}},
	{"EXECABORT", "", raised{"`ExecAbortError`", "`ReplyError`", "`ExecAbortError` (`redis.IsExecAbortError`)",
		"`JedisDataException`"}, []answered{
		{text: "EXECABORT Transaction discarded because of previous errors.", executed: notExecuted,
			when: "EXEC after a command of the transaction was rejected", advice: "see the error of that command"},
		{text: "EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command",
			executed: notExecuted, when: "EXEC with arguments, or the server rejected a command that was QUEUED; the " +
				"transaction is discarded", advice: fixCommand},
	}},
	{"UNBLOCKED", "", raised{"`ResponseError`, with the prefix in its text", "`ReplyError`",
		"`redis.Error` with that text", "`JedisDataException`"}, []answered{
		{text: "UNBLOCKED client unblocked via CLIENT UNBLOCK", executed: notExecuted,
			when: "another client sent CLIENT UNBLOCK ... ERROR for this one", advice: "as the program intends"},
	}},
	{"ERR", "No library retries these, unless noted.", raised{
		"`ResponseError`, without `ERR`", "`ReplyError`", "`redis.Error` with that text", "`JedisDataException`"},
		errAnswers},
	{"ERR Protocol error", "The input is not RESP. The gateway replies and closes the connection, as Redis does. It " +
		"passes on the error of a server whose `proto-max-bulk-len` is smaller than its own.", raised{
		"`ResponseError`, then `ConnectionError`", "`ReplyError`, then it reconnects",
		"`redis.Error` with that text, then `io.EOF`; an `AuthError` if the text has `unauthenticated`",
		"`JedisDataException`, then `JedisConnectionException`"}, protocolAnswers},
}

var errAnswers = []answered{
	{text: "ERR evergate: the connection to the server was lost while it answered; the command changed nothing",
		executed: nothingDone, when: "two connections were closed during the same read, the second one dedicated to it: " +
			"the reply exceeds the servers' `client-output-buffer-limit`, or crashes the server",
		advice: "read less at a time; otherwise retry once"},
	{text: "ERR evergate: the server closed two connections while it received the command, which may exceed its " +
		"client-query-buffer-limit; the command was not executed", executed: notExecuted,
		when:   "it exceeds the servers' `client-query-buffer-limit`",
		advice: "raise that limit, or lower that of the gateway"},
	{text: "ERR evergate: PROXY ACKS takes a number of replicas from 0 to 16, majority, all or default",
		executed: nothingDone, when: "PROXY ACKS with another word", advice: fixCommand},
	{text: "ERR evergate: consistency <consistency> is not possible with reads replica: a read that no replica may " +
		"serve could not go to the primary",
		executed: notExecuted, when: "PROXY READS or PROXY CONSISTENCY chooses what excludes the other",
		advice: "choose `PROXY READS prefer-replica`, or `PROXY CONSISTENCY eventual`"},
	{text: "ERR evergate: PROXY CONSISTENCY bounded needs the setting max-lag, which is not set here",
		executed: notExecuted, when: "`--max-lag` is not set for the client's listener or user",
		advice: "set `--max-lag`"},
	{text: "ERR evergate: WAIT needs FUNCTION RESTORE, which the server rejected: <error>",
		executed: nothingDone,
		when: "WAIT or WAITAOF with Redis 7.2, Valkey or newer, and the gateway's ACL user lacks that command, or " +
			"the server rejects writes",
		advice: "grant it `+function|restore`; retry when the server accepts writes"},
	{text: "ERR evergate: the replies of the servers cannot be merged; the command may have been executed",
		executed: maybe,
		when:     "servers replied to the parts of a command over several slots in different shapes",
		advice:   readFirst + ", and report a bug"},
	{text: "ERR max number of commands per second reached, the command was not executed", executed: notExecuted,
		when:   "the rate of the client's user or address is used up, and `on-rate-limit` is `error`",
		advice: "slow down, or set `on-rate-limit: wait`"},
	{text: "ERR max number of bytes per second reached, the command was not executed", executed: notExecuted,
		when:   "the same for the bytes of requests, replies and messages",
		advice: "slow down, or set `on-rate-limit: wait`"},
	{text: "ERR max number of clients reached", executed: notExecuted,
		when:   "more than `--max-clients` connections; this one is closed",
		advice: "raise `--max-clients`, or open fewer connections",
		raised: raised{"`ConnectionError`, retried like LOADING", "", "`MaxClientsError`, retried up to 3 times", ""}},
	{text: "ERR unknown command '<name>', with args beginning with: <arguments>", reason: "unknown-command",
		executed: notExecuted, when: "neither the gateway nor a server knows it", advice: fixCommand},
	{text: "ERR unknown subcommand '<name>'. Try <COMMAND> HELP.", reason: "unknown-command", executed: notExecuted,
		when: "the command has no such subcommand", advice: fixCommand},
	{text: "ERR unknown subcommand or wrong number of arguments for '<name>'. Try CLIENT HELP.", executed: notExecuted,
		when: "CLIENT PAUSE or UNBLOCK with too many arguments", advice: fixCommand},
	{text: "ERR wrong number of arguments for '<name>' command", reason: "wrong-arity", executed: notExecuted,
		when: "too few or too many arguments", advice: fixCommand},
	{text: "ERR Command not allowed inside a transaction", executed: notExecuted,
		when: "CLUSTER, SELECT, HELLO, AUTH, CLIENT REPLY, SUBSCRIBE, PSUBSCRIBE, SAVE, SHUTDOWN, a command with a " +
			"cursor, or one for all primaries of a cluster, between MULTI and EXEC", advice: "send it before MULTI"},
	{text: "ERR Can't execute '<command>': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in " +
		"this context", executed: notExecuted, when: "a subscribed client in RESP2",
		advice: "use another connection, or RESP3"},
	{text: "ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client", executed: notExecuted,
		when: "in the reply to EXEC", advice: "send it before MULTI"},
	{text: "ERR Replica can't interact with the keyspace", executed: notExecuted, when: "a client in MONITOR mode",
		advice: "use another connection, or RESET"},
	{text: "ERR '<command>' reports on one server, and this service has several", reason: "one-server",
		executed: notExecuted,
		when:     "a cluster: MEMORY STATS", advice: "send it to the server itself"},
	{text: "ERR SWAPDB is not allowed in cluster mode", reason: "one-server", executed: notExecuted,
		when: "SWAPDB in a cluster", advice: elsewhere},
	{text: "ERR invalid cursor", executed: notExecuted,
		when:   "SCAN, HSCAN, SSCAN or ZSCAN with a cursor that is not a number",
		advice: fixCommand},
	{text: "ERR evergate: the server's reply to a scan is malformed", executed: nothingDone,
		when: "a server replied to SCAN in an unknown shape", advice: "report a bug"},
	{text: "ERR evergate: SCAN needs CLUSTER NODES, which the server rejected: <error>", executed: nothingDone,
		when: "a cluster, and the gateway's ACL user lacks that command", advice: "grant it `+cluster|nodes`"},
	{text: "ERR evergate: no server could report the keys of the command (COMMAND GETKEYS), so it cannot be routed; it " +
		"was not executed", executed: notExecuted,
		when: "a cluster, and a command that the gateway does not know, whose keys " +
			"COMMAND GETKEYS reports, and the gateway's ACL user lacks that",
		advice: "grant it `+command|getkeys`"},
	{text: "ERR evergate: only a server can report the keys of the command, and it is too long for COMMAND GETKEYS; it " +
		"was not executed", executed: notExecuted, when: "the same, and the command is longer than 1 MiB",
		advice: elsewhere},
	{text: "ERR evergate: BGSAVE failed on a server; see its log", executed: maybe,
		when: "SAVE, and BGSAVE failed on a primary", advice: "check that server's log and disk"},
	{text: "ERR evergate: the primary changed during BGSAVE; it may not have finished", executed: maybe,
		when: "SAVE, and a failover interrupted it", advice: again},
	{text: "ERR evergate: BGSAVE did not finish within <time>; it continues", executed: maybe,
		when: "SAVE, and BGSAVE takes longer", advice: "check LASTSAVE later"},
	{text: "ERR MULTI calls can not be nested", executed: notExecuted, when: "MULTI after MULTI", advice: fixCommand},
	{text: "ERR WATCH inside MULTI is not allowed", executed: notExecuted, when: "WATCH after MULTI", advice: fixCommand},
	{text: "ERR EXEC without MULTI", executed: notExecuted, when: "EXEC without MULTI", advice: fixCommand},
	{text: "ERR DISCARD without MULTI", executed: notExecuted, when: "DISCARD without MULTI", advice: fixCommand},
	{text: "ERR SELECT is not allowed in cluster mode", executed: notExecuted,
		when: "a cluster or `--facade cluster`, and SELECT of a database other than 0", advice: "use database 0"},
	{text: "ERR '<command>' is not allowed through the gateway: <why>; --allow '<command>' permits it",
		reason: "forbidden", executed: notExecuted, when: "it can harm the servers or other clients",
		advice: "connect to the server itself, or permit it with `--allow`"},
	{text: "ERR '<command>' is not allowed through the gateway: <why>", executed: notExecuted,
		when: "the same, and it cannot be permitted", advice: "connect to the server itself"},
	{text: "ERR '<command>' has no key to route it by, and there are several primaries; the command was not " +
		"executed",
		reason: "which-shard", executed: notExecuted, when: "a cluster, and a command that `--allow` permits",
		advice: "connect to the server itself"},
	{text: "ERR CLIENT IMPORT-SOURCE is not supported by this gateway: clients share its connections",
		executed: notExecuted, when: "CLIENT IMPORT-SOURCE ON", advice: "import into the server itself"},
	{text: "ERR CLIENT MAINT_NOTIFICATIONS ON needs RESP3: notifications are push messages; send HELLO 3 first",
		executed: notExecuted, when: "CLIENT MAINT_NOTIFICATIONS ON of a client that speaks RESP2",
		advice: "client libraries that send it by themselves go on without notifications"},
	{text: "ERR CLIENT MAINT_NOTIFICATIONS takes ON, ON MOVING-ENDPOINT-TYPE <type> or OFF", executed: notExecuted,
		when: "CLIENT MAINT_NOTIFICATIONS in another form"},
	{text: "ERR Invalid moving-endpoint-type: it is one of internal-ip, internal-fqdn, external-ip, external-fqdn, none",
		executed: notExecuted, when: "CLIENT MAINT_NOTIFICATIONS ON with another type"},
	{text: "ERR CLIENT NO-TOUCH is not supported by this gateway: clients share its connections",
		executed: notExecuted, when: "CLIENT NO-TOUCH ON", advice: "read from a replica of its own"},
	{text: "ERR 'monitor' is not allowed through the gateway where upstream-auth is 'pass': it would show what other " +
		"users do", executed: notExecuted, when: "MONITOR, with `--upstream-auth pass`",
		advice: "connect to the server itself"},
	{text: "ERR evergate: a client with subscriptions cannot authenticate where upstream-auth is 'pass': unsubscribe " +
		"first; the command was not executed", executed: notExecuted,
		when:   "`--upstream-auth pass`, and AUTH or HELLO AUTH as another user, or with another password",
		advice: "open another connection"},
	{text: "ERR evergate: service '<name>': <number> users are connected, as many as may be; the command was not " +
		"executed", executed: notExecuted, when: "`--upstream-auth pass`, and a client of one more user comes",
		advice: "let clients share users"},
	{text: "ERR 'config get <name>' is not allowed through the gateway: it would reveal a password of the servers",
		executed: notExecuted, when: "CONFIG GET requirepass, masterauth and the like",
		advice: "connect to the server itself"},
	{text: "ERR 'config set <name>' is not allowed through the gateway: it, replicas or Sentinels could lose access " +
		"to the server; --allow '<name>' permits it", executed: notExecuted,
		when:   "CONFIG SET of passwords, addresses, files or roles, which the topology depends on",
		advice: "connect to the server itself"},
	{text: "ERR evergate: the servers differ in '<name>': <values>", executed: notExecuted,
		when: "CONFIG GET, and the primaries of a cluster differ", advice: "CONFIG SET, which is sent to all of them"},
	{text: "ERR evergate: CONFIG <subcommand> succeeded on <servers> and failed on <servers>",
		executed: "on some servers",
		when:     "CONFIG SET, RESETSTAT or REWRITE, and some servers rejected it or were unreachable", advice: again},
	{text: "ERR evergate: CONFIG <subcommand> failed on <servers>", executed: maybe,
		when: "the same for all servers", advice: again},
	{text: "ERR evergate: LATENCY RESET was not executed on all servers: <why>", executed: "on some servers",
		when: "LATENCY RESET, and a primary did not answer within the `--hold` window", advice: again},
	{text: "ERR This instance has cluster support disabled", executed: notExecuted,
		when: "CLUSTER, on a listener without `--facade cluster`", advice: "use a plain client, or `--facade cluster`"},
	{text: "ERR 'cluster <subcommand>' is not allowed through the gateway", reason: "forbidden", executed: notExecuted,
		when: "`--facade cluster`, and it would change the cluster", advice: "connect to the server itself"},
	{text: "ERR Unknown node <id>", executed: notExecuted,
		when: "`--facade cluster`, and CLUSTER with a node id other than that of CLUSTER MYID", advice: fixCommand},
	{text: "ERR Invalid slot", executed: notExecuted, when: "`--facade cluster`, and a slot outside of 0 to 16383",
		advice: fixCommand},
	{text: "ERR Invalid slot or number of keys", executed: notExecuted, when: "the same for CLUSTER GETKEYSINSLOT",
		advice: fixCommand},
	{text: "ERR the servers of this gateway are not a cluster and cannot list the keys of a slot", executed: notExecuted,
		when:   "`--facade cluster` in front of other servers, and CLUSTER COUNTKEYSINSLOT or GETKEYSINSLOT",
		advice: "change the program to use SCAN"},
	{text: "ERR No such master with that name", executed: notExecuted,
		when:   "`--facade sentinel`, and SENTINEL with a name that no service has",
		advice: "`SENTINEL MASTERS` lists the names"},
	{text: "ERR 'sentinel <subcommand>' is not allowed through the gateway", executed: notExecuted,
		when: "`--facade sentinel`, and it would change what is monitored", advice: "connect to the Sentinels themselves"},
	{text: "ERR Only HELLO messages are accepted by Sentinel instances.", executed: notExecuted,
		when: "`--facade sentinel`, and PUBLISH", advice: fixCommand},
	{text: "ERR Can't execute '<command>': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in " +
		"this context", executed: notExecuted, when: "`--facade sentinel`, and a subscribed client in RESP2",
		advice: "use another connection"},
	{text: "ERR too many or too long subscriptions for a Sentinel", executed: notExecuted,
		when: "`--facade sentinel`: more than 256, or one longer than 1 KiB", advice: fixCommand},
	{text: "ERR AUTH <password> called without any password configured for the default user. Are you sure your " +
		"configuration is correct?", executed: notExecuted, when: "AUTH, and no password is set",
		advice: "remove the password from the client, or set `--password-file`",
		raised: raised{"`AuthenticationError`, which is a `ConnectionError`; retried like LOADING", "", "", ""}},
	{text: "ERR Protocol version is not an integer or out of range", executed: notExecuted,
		when:   "HELLO with a version that is not a number",
		advice: fixCommand},
	{text: "ERR Syntax error in HELLO option '<option>'", executed: notExecuted, when: "HELLO with an unknown option",
		advice: fixCommand},
	{text: "ERR Client names cannot contain spaces, newlines or special characters.", executed: notExecuted,
		when: "CLIENT SETNAME, HELLO SETNAME", advice: fixCommand},
	{text: "ERR No such client", executed: notExecuted, when: "CLIENT KILL of an address that no client has",
		advice: "see CLIENT LIST"},
	{text: "ERR Invalid client ID", executed: notExecuted, when: "CLIENT LIST ID with an id that is not a number",
		advice: fixCommand},
	{text: "ERR client-id should be greater than 0", executed: notExecuted,
		when:   "CLIENT KILL ID with 0 or an id that is not a number",
		advice: fixCommand},
	{text: "ERR maxage is not an integer or out of range", executed: notExecuted, when: "CLIENT KILL MAXAGE",
		advice: fixCommand},
	{text: "ERR No such user '<name>'", executed: notExecuted, when: "CLIENT KILL USER with a user other than `default`",
		advice: fixCommand},
	{text: "ERR Unknown client type '<type>'", executed: notExecuted, when: "CLIENT LIST TYPE, CLIENT KILL TYPE",
		advice: fixCommand},
	{text: "ERR value is out of range, value must between 0 and 1", executed: notExecuted,
		when: "WAITAOF in a transaction", advice: fixCommand},
	{text: "ERR value is out of range, must be positive", executed: notExecuted, when: "WAITAOF in a transaction",
		advice: fixCommand},
	{text: "ERR timeout is not an integer or out of range", executed: notExecuted,
		when: "CLIENT PAUSE, WAIT in a transaction", advice: fixCommand},
	{text: "ERR timeout is out of range", executed: notExecuted,
		when: "CLIENT PAUSE, or WAIT in a transaction, with a timeout that overflows", advice: fixCommand},
	{text: "ERR timeout is negative", executed: notExecuted, when: "CLIENT PAUSE, WAIT in a transaction",
		advice: fixCommand},
	{text: "ERR CLIENT PAUSE mode must be WRITE or ALL", executed: notExecuted, when: "CLIENT PAUSE",
		advice: fixCommand},
	{text: "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR", executed: notExecuted, when: "CLIENT UNBLOCK",
		advice: fixCommand},
	{text: "ERR Unrecognized option '<option>'", executed: notExecuted, when: "CLIENT SETINFO", advice: fixCommand},
	{text: "ERR <attribute> cannot contain spaces, newlines or special characters.", executed: notExecuted,
		when: "CLIENT SETINFO", advice: fixCommand},
	{text: "ERR value is not an integer or out of range", executed: notExecuted,
		when: "SELECT, CLIENT UNBLOCK, WAIT in a transaction", advice: fixCommand},
	{text: "ERR value is out of range, value must between -2147483648 and 2147483647", executed: notExecuted,
		when: "SELECT", advice: fixCommand},
	{text: "ERR DB index is out of range", executed: notExecuted,
		when:   "SELECT of a database that the servers do not have",
		advice: "raise `databases` of the servers"},
	{text: "ERR syntax error", executed: notExecuted, when: "AUTH or CLIENT with invalid arguments",
		advice: fixCommand},
}

var protocolAnswers = []answered{
	{text: "ERR Protocol error: too big mbulk count string", executed: notExecuted,
		when: "a line `*...` that does not end", advice: fixClient},
	{text: "ERR Protocol error: invalid multibulk length", executed: notExecuted,
		when: "`*` without a number, or more arguments than allowed", advice: fixClient},
	{text: "ERR Protocol error: unauthenticated multibulk length", executed: notExecuted,
		when: "more than 10 arguments before AUTH", advice: "authenticate first"},
	{text: "ERR Protocol error: too big bulk count string", executed: notExecuted,
		when: "a line `$...` that does not end", advice: fixClient},
	{text: "ERR Protocol error: expected '$', got '<byte>'", executed: notExecuted,
		when: "an argument that does not begin with `$`", advice: fixClient},
	{text: "ERR Protocol error: unauthenticated bulk length", executed: notExecuted,
		when: "an argument of more than 16 KiB before AUTH", advice: "authenticate first"},
	{text: "ERR Protocol error: invalid bulk length", executed: notExecuted,
		when:   "`$` without a number, or an argument longer than `--proto-max-bulk-len`",
		advice: "raise that limit, or " + fixClient},
	{text: "ERR Protocol error: too big inline request", executed: notExecuted,
		when: "a line of more than 64 KiB", advice: fixClient},
	{text: "ERR Protocol error: TLS on a port without TLS", executed: notExecuted,
		when: "a client begins a TLS handshake on a listener without TLS", advice: "use a listener with TLS"},
	{text: "ERR Protocol error: unbalanced quotes in request", executed: notExecuted,
		when: "an inline command with a quote that does not end", advice: fixClient},
}

// closed explains each reason for which the gateway closes a connection, and what was executed.
var closed = map[string]string{
	"client-left": "The client closed it. Complete commands may have been executed, an incomplete one is discarded.",
	"quit":        "The client sent QUIT and got OK.",
	"protocol-error": "The input is not RESP; the error above came before. A browser that was tricked into connecting " +
		"is closed without an error.",
	"output-limit": "The client does not read its replies, of writes or one long one: more than " +
		"`--client-output-buffer-limit` is pending, or was " +
		"for too long. Its commands may have been executed.",
	"query-limit": "More than `--client-query-buffer-limit` of the client's input is pending. Pending input is not " +
		"executed.",
	"idle-timeout": "The client sent nothing for `--idle-timeout`. Nothing was in flight.",
	"auth-timeout": "The client did not authenticate within `--auth-timeout`. Nothing was executed.",
	"truncated-reply": "A server died in the middle of a long reply, of which the client already has the beginning. A " +
		"read changed nothing; a write was executed.",
	"killed": "A client sent CLIENT KILL. Commands of the killed client may have been executed.",
	"user-gone": "The file of users has changed: the client's user is not in it any more, or may not listen to a " +
		"channel to which the client is subscribed. Its commands may have been executed.",
	"replication-ended": "The server closed the replication link that SYNC, PSYNC or REPLCONF had opened, or is no " +
		"longer a primary.",
	"blocking-lost": "The connection of a blocking pop was lost, and `--blocking-lost` is close. An element may have " +
		"been taken.",
	"slow-subscriber": "The subscriber reads too slowly: more than `--pubsub-output-buffer-limit` is pending, or was " +
		"for too long. The log names the client.",
	"subscription-lost": "A server rejects a subscription of the client, usually because its ACL was changed.",
	"gap": "Messages of a subscription may have been missed, for example because a server was lost, and `--on-gap` is " +
		"close. Nothing else was in flight, or in RESP3 as for `client-left`.",
	"drained": "The gateway is stopping. Everything that was sent to servers was answered before. A blocking command " +
		"was ended, and had done nothing, unless its server did not answer within two seconds.",
	"too-many": "`--max-clients` is reached; the client got the error.",
	"memory-limit": "All clients together take more than `--client-memory-max`, and this one was among the largest. " +
		"Commands that were passed on to a server may have been executed. The log names the client.",
}
