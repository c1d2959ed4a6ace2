package routing

// onReplicas are the commands with the trait Write that a read-only replica takes all the same: they change no key.
// Those that run scripts are not among them, since what a script does is seen too late.
var onReplicas = map[string]bool{
	"bgrewriteaof": true, "bgsave": true, "commandlog|reset": true, "function|kill": true, "hotkeys|reset": true,
	"hotkeys|start": true, "hotkeys|stop": true, "latency|reset": true, "memory|purge": true,
	"pfcount": true, "publish": true, "save": true, "script|flush": true, "script|kill": true, "script|load": true,
	"slowlog|reset": true, "spublish": true,
}

// MayReplicate says whether servers copy what the command does to replicas, or may: that is what CLIENT PAUSE WRITE has
// wait. A backup, or what ends a script, is not among it.
func (c *Command) MayReplicate() bool {
	return c.ReplicaRefuses() || c.Name == "pfcount" || c.Name == "publish" || c.Name == "spublish"
}

// ReplicaRefuses says whether a read-only replica refuses the command with READONLY: it changes keys, or may.
func (c *Command) ReplicaRefuses() bool { return c.Has(Write) && !onReplicas[c.Name] }
