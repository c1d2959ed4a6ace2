package routing

// sentinel is the row of SENTINEL. It is not in the table: the gateway is no Sentinel, and clients that look for one
// must get an error; only a Sentinel facade has it. Subcommands that would change a Sentinel's configuration, or that
// Sentinels send to each other, are Harmful.
var sentinel = container("sentinel", -2, Local|OnSentinel,
	keyless("ckquorum", 3, Local),
	keyless("config", -2, Harmful),
	keyless("debug", -2, Harmful),
	keyless("failover", -2, Harmful),
	keyless("flushconfig", -2, Harmful),
	keyless("get-master-addr-by-name", 3, Local),
	keyless("help", 2, Local),
	keyless("info-cache", -2, Harmful),
	keyless("is-master-down-by-addr", -2, Harmful),
	keyless("master", 3, Local),
	keyless("masters", 2, Local),
	keyless("monitor", -2, Harmful),
	keyless("myid", 2, Local),
	keyless("pending-scripts", 2, Local),
	keyless("remove", -2, Harmful),
	keyless("replicas", 3, Local),
	keyless("reset", -2, Harmful),
	keyless("sentinels", 3, Local),
	keyless("set", -2, Harmful),
	keyless("simulate-failure", -2, Harmful),
	keyless("slaves", 3, Local),
)

// OfSentinel returns the row of a Sentinel's command of this name, or nil. A container's row is returned for all of its
// subcommands.
func OfSentinel(name []byte) *Command {
	if is(name, sentinel.Name) {
		return sentinel
	}
	if c := table.find(name); c != nil && c.Has(OnSentinel) {
		return c
	}
	return nil
}
