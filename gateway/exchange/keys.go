package exchange

import (
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/routing"
)

// KeysOf returns the keys of a request as far as they matter: those of a write, and of a read that a replica may serve
// if it has these. It returns any keys where they are not known, and none for a write that changes no key. They are
// valid until the next call.
func (x *Exchange) KeysOf(c *sessions.Session, d *routing.Decision, command *routing.Command, args [][]byte,
) upstream.Keys {
	if r := c.Reading(); d.Safe && !(d.Read && r.Consistency == session.Gateway && r.From != session.FromPrimary) {
		return nil
	}
	x.cells = x.cells[:0]
	switch {
	case command.ReadsUnnamed(args), !x.addKeys(c.Service, command, args):
		return nil
	case d.Safe && command.Index == 0: // a module's: writes of other keys may change its reply, as that of an index
		return nil
	case d.Safe && c.Service.View.IsSharded() && hides(command, len(x.cells)):
		return nil
	}
	return x.cells
}

// hides reports whether the reply to a read of so many keys may not show that one of them is missing. A replica of a
// cluster does not know that a slot is being moved; where its reply shows that a key is missing, the primary is asked.
func hides(command *routing.Command, keys int) bool {
	return keys > 1 || command.Has(routing.RunsScript)
}

// addKeys adds the keys of a request to x.cells. It returns false where they are not known.
func (x *Exchange) addKeys(s *sessions.Service, command *routing.Command, args [][]byte) bool {
	if command == nil {
		return false
	}
	if command.Has(routing.Write) && !command.ReplicaRefuses() {
		return true
	}
	at, ok := command.Keys(args, x.places[:0])
	x.places = at
	for _, i := range at {
		x.cells = append(x.cells, s.CellOf(args[i]))
	}
	if !ok {
		for _, key := range s.Catalog.Keys(args) {
			x.cells, ok = append(x.cells, s.CellOf(key)), true
		}
	}
	return ok && (len(x.cells) > 0 || !command.Has(routing.Write))
}

// KeysOfBody returns the keys that a transaction may change: those of its writes. body are its frames. They are valid
// until the next call.
func (x *Exchange) KeysOfBody(s *sessions.Service, body [][]byte, limits *resp.Limits) upstream.Keys {
	x.cells = x.cells[:0]
	for args := range resp.Commands(body, limits) {
		command := s.Catalog.Row(args)
		switch {
		case command == nil, command.Has(routing.Harmful):
			return nil
		case command.Has(routing.Read | routing.Transaction | routing.Local), command.Waits():
			continue
		}
		if before := len(x.cells); !x.addKeys(s, command, args) || command.ReplicaRefuses() && len(x.cells) == before {
			return nil
		}
	}
	return x.cells
}
