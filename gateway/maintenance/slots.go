package maintenance

import (
	"strconv"
	"strings"

	"evergate/gateway/facade"
	"evergate/gateway/resp"
	"evergate/gateway/sessions"
)

// Clients of an emulated cluster node ask it which node has the slots. While the gateway drains, that is the gateway of
// moving-endpoint, and SMIGRATED has clients ask: redis-py's cluster client ignores MOVING, its plain one SMIGRATED.
// Both come to the libraries that take both without harm; node-redis would move each client twice.
//
// Holds have no SMIGRATING: the libraries that know it lengthen timeouts as on FAILING_OVER, in cluster clients, too.
// SMIGRATED at their end would have clients reconnect, and node-redis give up the commands under way.

// allSlots are those that an emulated node has.
const allSlots = "0-16383"

// smigrated returns a SMIGRATED: all slots move from one address to another.
func smigrated(seq int64, from, to string) []byte {
	b := resp.AppendArray(push(3, "SMIGRATED", seq), 1)
	b = resp.AppendBulkString(resp.AppendArray(b, 3), from)
	return resp.AppendBulkString(resp.AppendBulkString(b, to), allSlots)
}

// Successor returns the gateway that has the slots of a client's emulated node, now that this one drains. It has no
// Host where there is none.
func (n *Notices) Successor(c *sessions.Session) facade.Address {
	draining := n.services[c.Service.Of].draining
	if draining == nil || !c.Role.Is(facade.Cluster) {
		return facade.Address{}
	}
	return draining.successor(c.Role.Self)
}

// Reloads reports whether a client finds the gateway that has the slots now if it connects to this one again and asks:
// it was here before the drain, and was not asked to move.
func (n *Notices) Reloads(c *sessions.Session) bool {
	return !Moves(c) && c.OpenedAt < n.services[c.Service.Of].movingAt && n.Successor(c).Host != ""
}

// successor returns where the clients of an emulated node move; self is its own address, and the port where the notice
// has none.
func (n *Notice) successor(self facade.Address) facade.Address {
	to := facade.Address{Host: strings.Trim(n.Host, "[]"), Port: self.Port}
	if port, err := strconv.Atoi(n.Port); err == nil {
		to.Port = port
	}
	if n.Host == "" || strings.EqualFold(to.Host, self.Host) && to.Port == self.Port {
		return facade.Address{} // a balancer's, for instance: all gateways are one node
	}
	return to
}

// migrated returns a SMIGRATED for a client that a drain asks to move; nil where it is of no use.
func migrated(c *sessions.Session, notice *Notice) []byte {
	if !c.Role.Is(facade.Cluster) {
		return nil
	}
	from := c.Role.Self
	to := notice.successor(from)
	switch {
	case to.Host == "":
		return nil
	case isOf(c, "go-redis"):
		return smigrated(notice.SlotsSeq, from.String(), to.String())
	case isOf(c, "redis-py"): // it splits off the port, and what is left has no brackets in CLUSTER SLOTS
		return smigrated(notice.SlotsSeq, unbracketed(from), unbracketed(to))
	}
	return nil
}

func unbracketed(a facade.Address) string { return a.Host + ":" + strconv.Itoa(a.Port) }
