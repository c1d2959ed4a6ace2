package routing

// onReplicas are the commands with the trait Write that a read-only replica takes all the same: they change no key.
// Those that run scripts are not among them, since what a script does is seen too late.
var onReplicas = map[string]bool{
	"bgrewriteaof": true, "bgsave": true, "function|kill": true, "latency|reset": true, "memory|purge": true,
	"pfcount": true, "publish": true, "save": true, "script|flush": true, "script|kill": true, "script|load": true,
	"slowlog|reset": true, "spublish": true,
}

// ReplicaRefuses says whether a read-only replica refuses the command with READONLY: it changes keys, or may.
func (c *Command) ReplicaRefuses() bool { return c.Has(Write) && !onReplicas[c.Name] }
