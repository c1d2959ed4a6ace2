package access

import (
	"evergate/gateway/resp"
	"evergate/routing"
)

// Reason is why a request is denied. Of several selectors the one counts that came furthest, so a greater one wins.
type Reason uint8

const (
	// Allowed is that of the zero Denial.
	Allowed Reason = iota
	// Command: no selector allows the command.
	Command
	// Key and Channel: it is allowed, but not with this key or channel.
	Key
	Channel
	// Auth is a name and a password that are no user's; only the log has it.
	Auth
	// SortBy and SortGet: a pattern of SORT names keys that nobody knows before, and not all keys may be read.
	SortBy
	SortGet
	// Database: the user may not use a database that the request concerns. Check does not look at that.
	Database
	// KeysUnknown is no denial yet: only a server knows the keys of this request (COMMAND GETKEYS). With them it must be
	// checked again, and is not allowed otherwise.
	KeysUnknown
)

// Denial is why a request is denied; the zero value is that of a request that is allowed.
type Denial struct {
	Reason Reason
	// Object is the key or channel that is denied; it aliases the arguments.
	Object []byte
}

// Permit is proof that a user may make a request: what executes one asks for it. Only Check makes one that covers a
// command.
type Permit struct{ command *routing.Command }

// Covers reports whether the permit is for a request with this command.
func (p Permit) Covers(c *routing.Command) bool { return c != nil && p.command == c }

// Check decides whether the user may make a request with a command that exists. keys are those that a server reported
// for the request (routing.Request.Keys); nil if none was asked. A transaction is checked command by command; a request
// that is divided later, and the keys that a script declares, all at once.
//
// A request with a number of arguments that the command does not take is neither denied nor permitted: servers reject
// it before they look at rights.
func (u *User) Check(c *routing.Command, args, keys [][]byte) (Permit, Denial) {
	if u.unlimited {
		return Permit{c}, Denial{}
	}
	return u.check(c, args, keys)
}

func (u *User) check(c *routing.Command, args, keys [][]byte) (Permit, Denial) {
	if !c.ArityFits(len(args)) {
		return Permit{}, Denial{}
	}
	denied := u.permit(c, args, keys)
	if denied.Reason == Allowed && (c.ID == routing.CmdSort || c.ID == routing.CmdSortRO) {
		denied = u.checkSort(c, args)
	}
	if denied.Reason != Allowed {
		return Permit{}, denied
	}
	return Permit{c}, Denial{}
}

// Unlimited reports whether the user may make every request.
func (u *User) Unlimited() bool { return u.unlimited }

// MayListen reports whether the user may be subscribed to a channel, or to a pattern.
func (u *User) MayListen(name []byte, pattern bool) bool {
	for _, s := range u.selectors {
		if s.allChannels || s.matchChannel(name, pattern) {
			return true
		}
	}
	return false
}

// request is a request that is checked.
type request struct {
	command *routing.Command
	args    [][]byte
	asked   [][]byte // keys that a server reported
}

// keysAtHand is how many keys of a request need no allocation.
const keysAtHand = 8

// permit is Check without the patterns of SORT: what ACL DRYRUN reports.
func (u *User) permit(c *routing.Command, args, keys [][]byte) Denial {
	r := request{c, args, keys}
	worst, at := Denial{Reason: Command}, 0
	for _, s := range u.selectors {
		denied, where := s.check(&r)
		if denied.Reason == Allowed {
			return Denial{}
		}
		if denied.Reason > worst.Reason || denied.Reason == worst.Reason && where > at {
			worst, at = denied, where
		}
	}
	return worst
}

// check decides about a request by one selector; at is the position of what is denied.
func (s *selector) check(r *request) (denied Denial, at int) {
	if !s.commands.allow(r.command, r.args) || s.only != nil && !s.only.allow(r.command, r.args) {
		return Denial{Reason: Command}, 0
	}
	if !s.allKeys {
		if denied, at = s.checkKeys(r); denied.Reason != Allowed {
			return denied, at
		}
	}
	if !s.allChannels && r.command.Has(routing.Subscribing|routing.Counting) {
		return s.checkChannels(r)
	}
	return Denial{}, 0
}

func (s *selector) checkKeys(r *request) (denied Denial, at int) {
	if r.asked != nil {
		for i, key := range r.asked {
			if !s.matchKey(key, readWrite) {
				return Denial{Key, key}, i
			}
		}
		return Denial{}, 0
	}
	if key, ok := r.command.OnlyKey(r.args); ok { // the usual case, worth a shortcut
		if !s.matchKey(r.args[key.At], key.Access) {
			return Denial{Key, r.args[key.At]}, key.At
		}
		return Denial{}, 0
	}
	var room [keysAtHand]routing.Key
	keys, known := r.command.AccessedKeys(r.args, room[:0])
	if !known && r.command.Index == 0 && r.command.HasKeys() {
		return Denial{Reason: KeysUnknown}, 0
	}
	// For a command of the table arguments that do not show the keys are such that a server rejects them.
	for _, k := range keys {
		if !s.matchKey(r.args[k.At], k.Access) {
			return Denial{Key, r.args[k.At]}, k.At
		}
	}
	return Denial{}, 0
}

func (s *selector) matchKey(key []byte, access routing.KeyAccess) bool {
	for i := range s.keys {
		if p := &s.keys[i]; p.access&access == access && p.Match(key) {
			return true
		}
	}
	return false
}

func (s *selector) checkChannels(r *request) (denied Denial, at int) {
	last, pattern := len(r.args)-1, false
	switch r.command.ID {
	case routing.CmdPSubscribe:
		pattern = true
	case routing.CmdPublish, routing.CmdSPublish:
		last = 1
	case routing.CmdSubscribe, routing.CmdSSubscribe:
	default:
		return Denial{}, 0
	}
	for at = 1; at <= last; at++ {
		if !s.matchChannel(r.args[at], pattern) {
			return Denial{Channel, r.args[at]}, at
		}
	}
	return Denial{}, 0
}

// matchChannel reports whether a channel is allowed. A pattern to subscribe to must be literally the same.
func (s *selector) matchChannel(name []byte, pattern bool) bool {
	for i := range s.channels {
		if p := &s.channels[i]; pattern && p.String() == string(name) || !pattern && p.Match(name) {
			return true
		}
	}
	return false
}

// readsAll reports whether all keys may be read.
func (s *selector) readsAll() bool {
	for i := range s.keys {
		if p := &s.keys[i]; p.access&routing.ReadsKey != 0 && p.String() == "*" {
			return true
		}
	}
	return s.allKeys
}

// checkSort denies BY and GET of a SORT that is allowed otherwise, unless one selector allows it and all keys.
func (u *User) checkSort(c *routing.Command, args [][]byte) Denial {
	for _, s := range u.selectors {
		r := request{command: c, args: args}
		if denied, _ := s.check(&r); denied.Reason == Allowed && s.readsAll() {
			return Denial{}
		}
	}
	switch at, by := c.SortPattern(args); {
	case by:
		return Denial{SortBy, args[at]}
	case at > 0:
		return Denial{SortGet, args[at]}
	}
	return Denial{}
}

// AppendError appends the error for the client.
func (d Denial) AppendError(dst []byte, u *User, c *routing.Command) []byte {
	switch d.Reason {
	case SortBy:
		return resp.AppendError(dst, "ERR BY option of SORT denied due to insufficient ACL permissions.")
	case SortGet:
		return resp.AppendError(dst, "ERR GET option of SORT denied due to insufficient ACL permissions.")
	case Key, KeysUnknown:
		return resp.AppendError(dst, "NOPERM No permissions to access a key")
	case Channel:
		return resp.AppendError(dst, "NOPERM No permissions to access a channel")
	case Database: // in Valkey's words
		return resp.AppendError(dst, "NOPERM No permissions to access database")
	}
	return resp.AppendError(dst, "NOPERM "+d.explain(u, c))
}

// explain is what ACL DRYRUN replies.
func (d Denial) explain(u *User, c *routing.Command) string {
	text := "User " + u.name + " has no permissions to "
	switch d.Reason {
	case Key:
		return text + "access the '" + string(d.Object) + "' key"
	case Channel:
		return text + "access the '" + string(d.Object) + "' channel"
	}
	return text + "run the '" + c.Name + "' command"
}
