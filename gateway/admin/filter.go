package admin

import (
	"slices"
	"strings"
	"time"

	"evergate/gateway/resp"
)

// Filter selects clients of a service as CLIENT LIST and CLIENT KILL do. A field that is nil or zero excludes no
// client.
type Filter struct {
	// Old: it is CLIENT KILL address, which replies OK and also closes the client that sent it.
	Old bool
	// Addr and Local are addresses as CLIENT LIST shows them; no client has an empty one.
	Addr, Local *string
	// User is a user's name, which exists where the request is executed.
	User *string
	// Type is normal or pubsub; a type without clients here (master, replica) is named none.
	Type string
	IDs  []int64
	// AgeMin excludes younger ones.
	AgeMin time.Duration
	// Spares excludes the client that sent the request.
	Spares bool
}

var (
	badClientID = []byte("-ERR Invalid client ID\r\n")
	badKillID   = []byte("-ERR client-id should be greater than 0\r\n")
	badMaxAge   = []byte("-ERR maxage is not an integer or out of range\r\n")
)

// ageMax is older than any client gets.
const ageMax = time.Duration(1<<62 - 1)

// listFilter parses CLIENT LIST [TYPE type | ID id ...]; wrong is the error reply to invalid arguments.
func listFilter(args [][]byte) (f Filter, wrong []byte) {
	switch {
	case len(args) == 2:
	case len(args) == 4 && resp.IsWord(args[2], "type"):
		return f, f.ofType(args[3])
	case len(args) > 3 && resp.IsWord(args[2], "id"):
		for _, a := range args[3:] {
			n, ok := resp.Integer(a)
			if !ok {
				return f, badClientID
			}
			f.IDs = append(f.IDs, n)
		}
	default:
		return f, resp.SyntaxError
	}
	return f, nil
}

// killFilter parses CLIENT KILL address | [ID id] [ADDR address] [LADDR address] [TYPE type] [USER name] [SKIPME
// yes/no] [MAXAGE seconds].
func killFilter(args [][]byte) (f Filter, wrong []byte) {
	if len(args) == 3 {
		return Filter{Old: true, Addr: word(args[2])}, nil
	}
	f.Spares = true
	for rest := args[2:]; len(rest) > 0; rest = rest[2:] {
		if len(rest) < 2 {
			return f, resp.SyntaxError
		}
		if wrong = f.take(rest[0], rest[1]); wrong != nil {
			return f, wrong
		}
	}
	return f, nil
}

// take parses one pair of CLIENT KILL.
func (f *Filter) take(name, value []byte) (wrong []byte) {
	switch strings.ToLower(string(name)) {
	case "id":
		n, ok := resp.Integer(value)
		if !ok || n < 1 {
			return badKillID
		}
		f.IDs = []int64{n}
	case "addr":
		f.Addr = word(value)
	case "laddr":
		f.Local = word(value)
	case "type":
		return f.ofType(value)
	case "user":
		f.User = word(value)
	case "skipme":
		f.Spares = resp.IsWord(value, "yes")
		if !f.Spares && !resp.IsWord(value, "no") {
			return resp.SyntaxError
		}
	case "maxage":
		n, ok := resp.Integer(value)
		if !ok || n < 1 || n > int64(ageMax/time.Second) {
			return badMaxAge
		}
		f.AgeMin = time.Duration(n) * time.Second
	default:
		return resp.SyntaxError
	}
	return nil
}

func (f *Filter) ofType(word []byte) (wrong []byte) {
	switch f.Type = strings.ToLower(string(word)); f.Type {
	case "normal", "pubsub":
	case "master", "replica", "slave":
		f.Type = "none"
	default:
		return resp.AppendError(nil, "ERR Unknown client type '"+string(resp.Cut(word, 128))+"'")
	}
	return nil
}

// word returns an argument that was given, perhaps empty.
func word(arg []byte) *string {
	s := string(arg)
	return &s
}

// Matches reports whether the request's filter selects a client.
func (r *Request) Matches(c *Identity) bool {
	f := &r.Filter
	return !(f.Spares && c.ID == r.Asker) &&
		(f.Addr == nil || *f.Addr == c.Remote) && (f.Local == nil || *f.Local == c.Local) &&
		(f.User == nil || *f.User == c.User) &&
		(f.Type == "" || f.Type == c.kind()) && (f.IDs == nil || slices.Contains(f.IDs, c.ID)) &&
		c.Age >= f.AgeMin
}
