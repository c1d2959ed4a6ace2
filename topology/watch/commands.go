package watch

import "fmt"

// nodeTimeoutSetting is how long a primary of a Cluster may be silent before the others fail it over.
const nodeTimeoutSetting = "cluster-node-timeout"

// ServerCommands are the commands that the control plane sends to servers, as ACL rules of a user. None is needed:
// what a server refuses is done without. Without ROLE and INFO a plain primary is simply believed, and replicas are
// read from on the Sentinels' word; without CLUSTER SHARDS, CLUSTER SLOTS serves; without CLUSTER NODES the majority
// of the nodes asked decides about a slot, in place of the config epoch. At least one of CLUSTER SHARDS and CLUSTER
// SLOTS must be allowed in a Cluster. Without CONFIG GET cluster-node-timeout is taken to be 15 s. HELLO and AUTH
// need no rule.
const ServerCommands = "+role +info +cluster|shards +cluster|slots +cluster|nodes +config|get"

// SentinelCommands are the commands that the control plane sends to Sentinels, as ACL rules of a user with its
// channels. All but MYID are needed; without MYID a Sentinel under two addresses is subscribed to twice.
const SentinelCommands = "allchannels +ping +psubscribe +sentinel|get-master-addr-by-name +sentinel|master " +
	"+sentinel|replicas +sentinel|sentinels +sentinel|myid"

// WaitsForOwn says whether WAIT at servers of a version counts only what its connection has written: Redis from 7.2 on,
// and Valkey, which says that it is 7.2.4.
func WaitsForOwn(version string) bool {
	var major, minor int
	_, err := fmt.Sscanf(version, "%d.%d", &major, &minor)
	return err == nil && (major > 7 || major == 7 && minor >= 2)
}
