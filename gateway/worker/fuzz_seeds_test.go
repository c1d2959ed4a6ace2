package worker_test

import "strings"

// garbage is what no client should send; the seeds of the fuzzer.
var garbage = []string{
	"*-5\r\n", "*0\r\n*-1\r\n\r\n\n", "*1\r\n$9223372036854775807\r\n", "*1\r\n$-1\r\n", "*2147483648\r\n", "*abc\r\n",
	"*\r\n",
	"*1\r\n$\r\n", "* 1\r\n", "*+1\r\n$4\r\nPING\r\n", "*01\r\n", "*1\r\n:1\r\n", "*1\r\n*1\r\n$4\r\nPING\r\n",
	"%1\r\n+a\r\n+b\r\n",
	"~1\r\n$4\r\nPING\r\n", ">1\r\n$4\r\nPING\r\n", "_\r\n", "|1\r\n+a\r\n+b\r\n", "-ERR no\r\n", "!!garbage\r\n",
	"PING \"open\r\n",
	"*1\r\n$4\r\nPINGxx*1\r\n$4\r\nPING\r\n", "*1048576\r\n$1\r\n", "*1000000\r\n$536870912\r\n",
	"POST / HTTP/1.1\r\nHost: x\r\n\r\n",
	"*1\r\n$0\r\n\r\n", "\x00\x00\x00", "\x16\x03\x01\x02\x00", strings.Repeat("*1\r\n", 500),
	strings.Repeat("a", 70000),
}

// sentences are what clients say that makes sense, and nearly so.
var sentences = []string{
	"*2\r\n$3\r\nGET\r\n$3\r\nfoo\r\n", "*3\r\n$3\r\nSET\r\n$3\r\nfoo\r\n$1\r\n1\r\n",
	"*3\r\n$4\r\nMGET\r\n$3\r\nfoo\r\n$3\r\nbar\r\n",
	"*5\r\n$4\r\nMSET\r\n$3\r\nfoo\r\n$1\r\n1\r\n$3\r\nbar\r\n$1\r\n2\r\n", "*1\r\n$4\r\nPING\r\n",
	"*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n",
	"*2\r\n$5\r\nHELLO\r\n$1\r\n2\r\n", "*1\r\n$5\r\nMULTI\r\n", "*1\r\n$4\r\nEXEC\r\n",
	"*2\r\n$7\r\nMOD.SET\r\n$1\r\nk\r\n", "QUIT\r\n",
	"*1\r\n$7\r\nCOMMAND\r\n", "*1\r\n$4\r\nINFO\r\n", "*2\r\n$6\r\nCLIENT\r\n$4\r\nLIST\r\n",
	"*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n",
	"get foo\r\nset bar \"x\"\n", "*1\r\n$5\r\nRESET\r\n", "*3\r\n$4\r\nEVAL\r\n$1\r\n1\r\n$1\r\n0\r\n",
	"*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\nc\r\n", "subscribe c d\r\n", "psubscribe c* __key*\r\n", "ssubscribe foo\r\n",
	"unsubscribe\r\n", "unsubscribe d\r\n", "punsubscribe\r\n", "sunsubscribe foo\r\n", "publish c m\r\n",
	"pubsub numsub c d\r\n", "pubsub channels\r\n", "pubsub numpat\r\n",
	"WATCH foo\r\n", "WATCH bar\r\n", "UNWATCH\r\n", "DISCARD\r\n",
	"MULTI\r\nSET foo 1\r\nEXEC\r\n", "MULTI\r\nGET foo\r\nEXEC\r\n", "WATCH foo\r\nMULTI\r\nGET foo\r\nEXEC\r\n",
	"BLPOP foo 0\r\n", "BLPOP bar 0.5\r\n", "BLMOVE {foo}a {foo}b LEFT LEFT 0\r\n", "XREAD BLOCK 300 STREAMS foo $\r\n",
	"DBSIZE\r\n", "FLUSHALL\r\n", "KEYS *\r\n", "RANDOMKEY\r\n",
	"SCRIPT KILL\r\n",
	"SAVE\r\n", "SCRIPT LOAD x\r\n", "SCRIPT FLUSH\r\n", "SLOWLOG GET 1\r\n", "FUNCTION LOAD x\r\n", "SCAN 0\r\n",
	"SCAN 4294967296\r\n", "HSCAN foo 0\r\n", "HSCAN foo 12345678901\r\n",
	"EVAL x 0\r\n", "EVALSHA 11f6ad8ec52a2984abaafd7c3b516503785c2072 0\r\n",
	"EVALSHA_RO 11f6ad8ec52a2984abaafd7c3b516503785c2072 1 foo\r\n",
	"client kill id 1\r\n", "client kill skipme no addr nobody\r\n", "client pause 50 write\r\n",
	"client pause 20\r\n", "client unpause\r\n", "client unblock 1\r\n", "client unblock 1 error\r\n",
	"client reply off\r\n", "client reply skip\r\n", "client reply on\r\n", "config get x\r\n",
	"MULTI\r\nconfig get x\r\nSET foo 1\r\nEXEC\r\n", "WAIT 1 100\r\n", "WAITAOF 1 1 0\r\n",
	"PSYNC ? -1\r\n", "DEBUG x\r\n", "MULTI\r\nPSYNC x 1\r\nEXEC\r\n",
	"MULTI\r\nclient pause 9\r\nconfig set x y\r\nEXEC\r\n",
	"FUNCTION STATS\r\n",
	"MULTI\r\nunsubscribe\r\npublish c m\r\nEXEC\r\n",
	"MONITOR\r\n", "MONITOR\r\nPING\r\nRESET\r\n", "client info\r\n",
	"MULTI\r\nclient setname me\r\nclient list\r\nclient no-evict on\r\nEXEC\r\n",
}

// replies are what servers say.
var replies = []string{
	"+OK\r\n", "$1\r\nv\r\n", "$-1\r\n", ":1\r\n", "*1\r\n$1\r\nv\r\n", "_\r\n", "%1\r\n+a\r\n:1\r\n",
	">2\r\n+a\r\n+b\r\n", "-ERR no\r\n",
	"-MOVED 12182 a:1\r\n", "-MOVED 12182 b:1\r\n", "-MOVED 1 nobody:1\r\n", "-MOVED x\r\n", "-ASK 12182 a:1\r\n",
	"-ASK 5061 :1\r\n",
	"-TRYAGAIN Multiple keys request during rehashing of slot\r\n", "-READONLY You can't write\r\n",
	"-LOADING Redis\r\n",
	"-CLUSTERDOWN Hash slot not served\r\n", "-MASTERDOWN Link\r\n", "-NOAUTH Authentication required.\r\n", "?",
	"*99999\r\n",
	"$200000\r\n", "$3000000\r\n", "*1\r\n*6\r\n$7\r\nmod.set\r\n:2\r\n*1\r\n+write\r\n:1\r\n:1\r\n:1\r\n",
	"*1\r\n*-1\r\n", "+QUEUED\r\n", "+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n", "*-1\r\n",
	"-EXECABORT Transaction discarded because of previous errors.\r\n",
	"-EXECABORT Transaction discarded because of: READONLY You can't write\r\n", "-ERR EXEC without MULTI\r\n",
	"-UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)\r\n",
	">3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n", ">3\r\n$12\r\nsunsubscribe\r\n$3\r\nfoo\r\n:0\r\n",
	">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n", ">3\r\n$8\r\nsmessage\r\n$3\r\nfoo\r\n$1\r\nm\r\n",
	">4\r\n$8\r\npmessage\r\n$2\r\nc*\r\n$1\r\nc\r\n$1\r\nm\r\n", "+PONG\r\n", "-NOPERM no such channel\r\n",
	">1\r\n:1\r\n", ">2\r\n$7\r\nmessage\r\n$-1\r\n", "*4\r\n$1\r\nc\r\n:1\r\n$1\r\nd\r\n:2\r\n",
	"*2\r\n$1\r\n0\r\n*1\r\n$3\r\nfoo\r\n", "*2\r\n$2\r\n17\r\n*1\r\n$3\r\nbar\r\n",
	"-NOSCRIPT No matching script. Please use EVAL.\r\n", "+rdb_bgsave_in_progress:1\r\n",
	"*2\r\n:1\r\n:1\r\n", "-BUSY Redis is busy running a script.\r\n",
	"$80\r\nid a:1@1 myself,master - 0 0 1 connected 0-8191 [12182->-b] [5061-<-b]\nb b:1@1 m\r\n",
}
