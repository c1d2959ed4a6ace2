// Package facade emulates a role for clients that require a Redis Cluster, a replica or a Sentinel. The replies of such
// a listener about the topology describe the gateway alone, and name no server behind it.
//
//	f.Mode(), f.Role(), f.AppendRole(...)   HELLO, INFO and ROLE
//	f.Cluster(proto, id, args, successor)   CLUSTER, of one node that owns all slots, or hands them to another gateway
//	f.Sentinel(proto, args)                 SENTINEL, of services that never fail over
//	Subscriptions.Do(proto, command, args)  SUBSCRIBE and its kin of a Sentinel
//
// Nothing here changes while the gateway runs, until it drains: the announced address is the same for every primary
// behind it.
package facade

import (
	"crypto/sha1"
	"encoding/hex"
	"strconv"
	"strings"

	"evergate/gateway/resp"
)

// Kind is the role that a listener emulates.
type Kind uint8

const (
	// Cluster is one node of a Redis Cluster, which owns all slots.
	Cluster Kind = iota + 1
	// Replica takes no writes.
	Replica
	// Sentinel reports where the services are, and has no keys.
	Sentinel
)

// Address is an address for clients: Host is a name or an IP address without brackets.
type Address struct {
	Host string
	Port int
}

func (a Address) String() string {
	if strings.Contains(a.Host, ":") {
		return "[" + a.Host + "]:" + strconv.Itoa(a.Port)
	}
	return a.Host + ":" + strconv.Itoa(a.Port)
}

// named reports whether the host is a name, not an IP address.
func (a Address) named() bool {
	return !strings.Contains(a.Host, ":") &&
		strings.ContainsFunc(a.Host, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
}

// id returns a node ID of 40 hexadecimal digits. Gateways that announce the same address have the same ID: to their
// clients they are one node.
func (a Address) id(of string) string {
	sum := sha1.Sum([]byte("evergate " + of + " " + a.String()))
	return hex.EncodeToString(sum[:])
}

// Master is a service as the emulated Sentinel reports it.
type Master struct {
	Name     string
	Addr     Address
	Replicas []Address
}

// Role is the facade of one listener; nil for a listener without one. It is constant once there are clients.
type Role struct {
	Kind Kind
	// Self is the listener's own address; for a Sentinel it is used for the ID alone.
	Self Address
	// Primary is the address of the listener that accepts writes, for a Replica.
	Primary Address
	// Masters are the services that a Sentinel reports.
	Masters []Master
}

// Is reports whether the listener emulates the kind.
func (f *Role) Is(kind Kind) bool { return f != nil && f.Kind == kind }

// Mode returns the mode for HELLO, and redis_mode of INFO.
func (f *Role) Mode() string {
	switch {
	case f.Is(Cluster):
		return "cluster"
	case f.Is(Sentinel):
		return "sentinel"
	}
	return "standalone"
}

// Role returns the role for HELLO; empty for a Sentinel, which has none there.
func (f *Role) Role() string {
	switch {
	case f.Is(Replica):
		return "replica"
	case f.Is(Sentinel):
		return ""
	}
	return "master"
}

// AppendRole appends the reply to ROLE.
func (f *Role) AppendRole(b []byte) []byte {
	switch {
	case f.Is(Replica):
		b = resp.AppendBulkString(resp.AppendArray(b, 5), "slave")
		b = resp.AppendBulkString(b, f.Primary.Host)
		b = resp.AppendInt(b, int64(f.Primary.Port))
		b = resp.AppendBulkString(b, "connected")
		return resp.AppendInt(b, 0)
	case f.Is(Sentinel):
		b = resp.AppendBulkString(resp.AppendArray(b, 2), "sentinel")
		b = resp.AppendArray(b, len(f.Masters))
		for i := range f.Masters {
			b = resp.AppendBulkString(b, f.Masters[i].Name)
		}
		return b
	}
	b = resp.AppendBulkString(resp.AppendArray(b, 3), "master")
	return resp.AppendArray(resp.AppendInt(b, 0), 0)
}
