package watch

import "fmt"

// nodeTimeoutSetting is how long a primary of a Cluster may be silent before the others fail it over.
const nodeTimeoutSetting = "cluster-node-timeout"

// ServerCommands are the commands that the control plane sends to servers, as ACL rules of a user. None is needed, with
// these effects: without ROLE and INFO a plain primary is believed unchecked, and replicas serve reads if the Sentinels
// report them as usable, and none is known to have a write; without CLUSTER SHARDS, CLUSTER SLOTS is used; without
// CLUSTER NODES the majority of the nodes asked decides about a slot instead of the config epoch. At least one of
// CLUSTER SHARDS and CLUSTER SLOTS must be allowed in a Cluster. Without CONFIG GET, cluster-node-timeout is assumed to
// be 15 s. Without CLIENT SETNAME, a survey does not find the gateway. HELLO and AUTH need no rule.
const ServerCommands = "+role +info +client|setname +cluster|shards +cluster|slots +cluster|nodes +config|get"

// SentinelCommands are the commands that the control plane sends to Sentinels, as ACL rules of a user with its
// channels. All but MYID are needed; without MYID a Sentinel under two addresses is subscribed to twice.
const SentinelCommands = "allchannels +ping +psubscribe +sentinel|get-master-addr-by-name +sentinel|master " +
	"+sentinel|replicas +sentinel|sentinels +sentinel|myid"

// WaitsForOwn reports whether WAIT at servers of a version waits only for the writes of its own connection: Redis since
// 7.2, and Valkey, which reports 7.2.4.
func WaitsForOwn(version string) bool {
	var major, minor int
	_, err := fmt.Sscanf(version, "%d.%d", &major, &minor)
	return err == nil && (major > 7 || major == 7 && minor >= 2)
}
