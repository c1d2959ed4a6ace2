package routing

// ID identifies a row that the gateway treats specially: it answers the command itself, or reads its arguments or its
// reply. A property of several commands is a Trait instead. Rows that need no ID have Other.
type ID uint8

const (
	Other ID = iota
	CmdAuth
	CmdHello
	CmdQuit
	CmdReset
	CmdSelect
	CmdPing
	CmdEcho
	CmdTime
	CmdAsking
	CmdReadOnly
	CmdReadWrite
	CmdRole
	CmdMonitor
	CmdInfo
	CmdCommand
	CmdMulti
	CmdExec
	CmdDiscard
	CmdWatch
	CmdUnwatch
	CmdClient
	CmdClientCaching
	CmdClientCapa
	CmdClientGetName
	CmdClientGetRedir
	CmdClientHelp
	CmdClientID
	CmdClientImportSource
	CmdClientInfo
	CmdClientKill
	CmdClientList
	CmdClientMaintNotifications
	CmdClientNoEvict
	CmdClientNoTouch
	CmdClientPause
	CmdClientReply
	CmdClientSetInfo
	CmdClientSetName
	CmdClientTracking
	CmdClientTrackingInfo
	CmdClientUnblock
	CmdClientUnpause
	CmdCluster
	CmdClusterCountFailureReports
	CmdClusterCountKeysInSlot
	CmdClusterGetKeysInSlot
	CmdClusterHelp
	CmdClusterInfo
	CmdClusterKeySlot
	CmdClusterLinks
	CmdClusterMyID
	CmdClusterMyShardID
	CmdClusterNodes
	CmdClusterReplicas
	CmdClusterShards
	CmdClusterSlaves
	CmdClusterSlots
	CmdConfig
	CmdConfigGet
	CmdConfigHelp
	CmdConfigResetStat
	CmdConfigRewrite
	CmdConfigSet
	CmdSubscribe
	CmdUnsubscribe
	CmdPSubscribe
	CmdPUnsubscribe
	CmdSSubscribe
	CmdSUnsubscribe
	CmdPublish
	CmdSPublish
	CmdPubSubHelp
	CmdPubSubNumPat
	CmdPubSubNumSub
	CmdPubSubShardNumSub
	CmdEval
	CmdEvalRO
	CmdEvalSHA
	CmdFCall
	CmdFunctionStats
	CmdScriptFlush
	CmdScriptLoad
	CmdSentinel
	CmdSentinelCKQuorum
	CmdSentinelGetMasterAddr
	CmdSentinelHelp
	CmdSentinelMaster
	CmdSentinelMasters
	CmdSentinelMyID
	CmdSentinelReplicas
	CmdSentinelSlaves
	CmdACL
	CmdACLCat
	CmdACLDelUser
	CmdACLDryRun
	CmdACLGenPass
	CmdACLGetUser
	CmdACLHelp
	CmdACLList
	CmdACLLoad
	CmdACLLog
	CmdACLSave
	CmdACLSetUser
	CmdACLUsers
	CmdACLWhoAmI
	CmdBitField
	CmdBLMove
	CmdBRPopLPush
	CmdCopy
	CmdFlushAll
	CmdFlushDB
	CmdHost
	CmdHotKeys
	CmdHotKeysGet
	CmdHotKeysHelp
	CmdHotKeysReset
	CmdHotKeysStart
	CmdHotKeysStop
	CmdLatency
	CmdLatencyDoctor
	CmdLatencyGraph
	CmdLatencyHelp
	CmdLatencyHistogram
	CmdLatencyHistory
	CmdLatencyLatest
	CmdLatencyReset
	CmdMigrate
	CmdMove
	CmdPFCount
	CmdPost
	CmdProxy
	CmdProxyAcks
	CmdProxyClients
	CmdProxyConsistency
	CmdProxyFailovers
	CmdProxyHelp
	CmdProxyInfo
	CmdProxyReads
	CmdProxyTopology
	CmdSet
	CmdSlowLog
	CmdSlowLogGet
	CmdSlowLogHelp
	CmdSlowLogLen
	CmdSlowLogReset
	CmdSort
	CmdSortRO
	CmdSwapDB
	CmdWait
	CmdWaitAOF
)

// idNames are the names of the rows that have an ID.
var idNames = [...]string{
	CmdAuth:                       "auth",
	CmdHello:                      "hello",
	CmdQuit:                       "quit",
	CmdReset:                      "reset",
	CmdSelect:                     "select",
	CmdPing:                       "ping",
	CmdEcho:                       "echo",
	CmdTime:                       "time",
	CmdAsking:                     "asking",
	CmdReadOnly:                   "readonly",
	CmdReadWrite:                  "readwrite",
	CmdRole:                       "role",
	CmdMonitor:                    "monitor",
	CmdInfo:                       "info",
	CmdCommand:                    "command",
	CmdMulti:                      "multi",
	CmdExec:                       "exec",
	CmdDiscard:                    "discard",
	CmdWatch:                      "watch",
	CmdUnwatch:                    "unwatch",
	CmdClient:                     "client",
	CmdClientCaching:              "client|caching",
	CmdClientCapa:                 "client|capa",
	CmdClientGetName:              "client|getname",
	CmdClientGetRedir:             "client|getredir",
	CmdClientHelp:                 "client|help",
	CmdClientID:                   "client|id",
	CmdClientImportSource:         "client|import-source",
	CmdClientInfo:                 "client|info",
	CmdClientKill:                 "client|kill",
	CmdClientList:                 "client|list",
	CmdClientMaintNotifications:   "client|maint_notifications",
	CmdClientNoEvict:              "client|no-evict",
	CmdClientNoTouch:              "client|no-touch",
	CmdClientPause:                "client|pause",
	CmdClientReply:                "client|reply",
	CmdClientSetInfo:              "client|setinfo",
	CmdClientSetName:              "client|setname",
	CmdClientTracking:             "client|tracking",
	CmdClientTrackingInfo:         "client|trackinginfo",
	CmdClientUnblock:              "client|unblock",
	CmdClientUnpause:              "client|unpause",
	CmdCluster:                    "cluster",
	CmdClusterCountFailureReports: "cluster|count-failure-reports",
	CmdClusterCountKeysInSlot:     "cluster|countkeysinslot",
	CmdClusterGetKeysInSlot:       "cluster|getkeysinslot",
	CmdClusterHelp:                "cluster|help",
	CmdClusterInfo:                "cluster|info",
	CmdClusterKeySlot:             "cluster|keyslot",
	CmdClusterLinks:               "cluster|links",
	CmdClusterMyID:                "cluster|myid",
	CmdClusterMyShardID:           "cluster|myshardid",
	CmdClusterNodes:               "cluster|nodes",
	CmdClusterReplicas:            "cluster|replicas",
	CmdClusterShards:              "cluster|shards",
	CmdClusterSlaves:              "cluster|slaves",
	CmdClusterSlots:               "cluster|slots",
	CmdConfig:                     "config",
	CmdConfigGet:                  "config|get",
	CmdConfigHelp:                 "config|help",
	CmdConfigResetStat:            "config|resetstat",
	CmdConfigRewrite:              "config|rewrite",
	CmdConfigSet:                  "config|set",
	CmdSubscribe:                  "subscribe",
	CmdUnsubscribe:                "unsubscribe",
	CmdPSubscribe:                 "psubscribe",
	CmdPUnsubscribe:               "punsubscribe",
	CmdSSubscribe:                 "ssubscribe",
	CmdSUnsubscribe:               "sunsubscribe",
	CmdPublish:                    "publish",
	CmdSPublish:                   "spublish",
	CmdPubSubHelp:                 "pubsub|help",
	CmdPubSubNumPat:               "pubsub|numpat",
	CmdPubSubNumSub:               "pubsub|numsub",
	CmdPubSubShardNumSub:          "pubsub|shardnumsub",
	CmdEval:                       "eval",
	CmdEvalRO:                     "eval_ro",
	CmdEvalSHA:                    "evalsha",
	CmdFCall:                      "fcall",
	CmdFunctionStats:              "function|stats",
	CmdScriptFlush:                "script|flush",
	CmdScriptLoad:                 "script|load",
	CmdSentinel:                   "sentinel",
	CmdSentinelCKQuorum:           "sentinel|ckquorum",
	CmdSentinelGetMasterAddr:      "sentinel|get-master-addr-by-name",
	CmdSentinelHelp:               "sentinel|help",
	CmdSentinelMaster:             "sentinel|master",
	CmdSentinelMasters:            "sentinel|masters",
	CmdSentinelMyID:               "sentinel|myid",
	CmdSentinelReplicas:           "sentinel|replicas",
	CmdSentinelSlaves:             "sentinel|slaves",
	CmdACL:                        "acl",
	CmdACLCat:                     "acl|cat",
	CmdACLDelUser:                 "acl|deluser",
	CmdACLDryRun:                  "acl|dryrun",
	CmdACLGenPass:                 "acl|genpass",
	CmdACLGetUser:                 "acl|getuser",
	CmdACLHelp:                    "acl|help",
	CmdACLList:                    "acl|list",
	CmdACLLoad:                    "acl|load",
	CmdACLLog:                     "acl|log",
	CmdACLSave:                    "acl|save",
	CmdACLSetUser:                 "acl|setuser",
	CmdACLUsers:                   "acl|users",
	CmdACLWhoAmI:                  "acl|whoami",
	CmdBitField:                   "bitfield",
	CmdBLMove:                     "blmove",
	CmdBRPopLPush:                 "brpoplpush",
	CmdCopy:                       "copy",
	CmdFlushAll:                   "flushall",
	CmdFlushDB:                    "flushdb",
	CmdHost:                       "host:",
	CmdHotKeys:                    "hotkeys",
	CmdHotKeysGet:                 "hotkeys|get",
	CmdHotKeysHelp:                "hotkeys|help",
	CmdHotKeysReset:               "hotkeys|reset",
	CmdHotKeysStart:               "hotkeys|start",
	CmdHotKeysStop:                "hotkeys|stop",
	CmdLatency:                    "latency",
	CmdLatencyDoctor:              "latency|doctor",
	CmdLatencyGraph:               "latency|graph",
	CmdLatencyHelp:                "latency|help",
	CmdLatencyHistogram:           "latency|histogram",
	CmdLatencyHistory:             "latency|history",
	CmdLatencyLatest:              "latency|latest",
	CmdLatencyReset:               "latency|reset",
	CmdMigrate:                    "migrate",
	CmdMove:                       "move",
	CmdPFCount:                    "pfcount",
	CmdPost:                       "post",
	CmdProxy:                      "proxy",
	CmdProxyAcks:                  "proxy|acks",
	CmdProxyClients:               "proxy|clients",
	CmdProxyConsistency:           "proxy|consistency",
	CmdProxyFailovers:             "proxy|failovers",
	CmdProxyHelp:                  "proxy|help",
	CmdProxyInfo:                  "proxy|info",
	CmdProxyReads:                 "proxy|reads",
	CmdProxyTopology:              "proxy|topology",
	CmdSet:                        "set",
	CmdSlowLog:                    "slowlog",
	CmdSlowLogGet:                 "slowlog|get",
	CmdSlowLogHelp:                "slowlog|help",
	CmdSlowLogLen:                 "slowlog|len",
	CmdSlowLogReset:               "slowlog|reset",
	CmdSort:                       "sort",
	CmdSortRO:                     "sort_ro",
	CmdSwapDB:                     "swapdb",
	CmdWait:                       "wait",
	CmdWaitAOF:                    "waitaof",
}

func init() {
	for id, name := range idNames {
		if name != "" {
			named(name).ID = ID(id)
		}
	}
	for _, c := range append(table.rows[:len(table.rows):len(table.rows)], sentinel) {
		if c == nil {
			continue
		}
		c.Family = c.ID
		if c.within == nil {
			continue
		}
		for _, sub := range c.within.rows {
			if sub != nil {
				sub.Family = c.ID
			}
		}
	}
}

// named returns the row of this name, which must exist.
func named(name string) *Command {
	c := Named(name)
	if c == nil {
		c = sentinel.Of(words(name))
	}
	if c == nil || c.Name != name {
		panic("routing: an ID names " + name + ", which is no row")
	}
	return c
}
