// Package admin is requests that one worker cannot answer alone: what concerns the clients of all workers (CLIENT LIST,
// KILL, PAUSE and UNBLOCK), or the servers one by one (INFO, CONFIG). It knows no worker.
//
//	Parse(command, args, now)      the request that a command makes
//	Request.Matches(identity)      whether it is about a client
//	Client.AppendLine(b, query)    that client's line of CLIENT LIST
//	Request.Reply(partials)        the reply, out of the partial results of all workers
package admin

import (
	"slices"
	"strings"
	"time"

	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/routing"
)

// Kind is what a Request is for.
type Kind uint8

const (
	// Info wants the text of INFO for the sections in Words (lower case; none: the default ones).
	Info Kind = iota
	// Config wants the Command of CONFIG done at the servers; Words are its arguments from the subcommand on, which is in
	// lower case.
	Config
	// ListClients wants the lines of CLIENT LIST.
	ListClients
	// KillClients wants clients closed.
	KillClients
	// PauseClients and UnpauseClients have the clients of a service wait, or resume.
	PauseClients
	UnpauseClients
	// UnblockClient wants a blocked client answered now.
	UnblockClient
	// BeginMonitor and EndMonitor count one more client, or one less, that monitors a service.
	BeginMonitor
	EndMonitor
)

// Request is what one client wants of all workers, or of the servers outside of any connection that clients share.
// Every worker has a Partial result for it; Reply makes one reply of them, but for Info and Config.
type Request struct {
	Kind Kind
	// Listener is the one that the client came through, Services those whose clients it concerns, the client's own first:
	// whoever takes the Request adds those that are one with it.
	Listener int
	Services []int
	// Asker is the client that asks, by its ID for CLIENT ID: no other of the process has it. Client, which only its
	// worker knows, and Seq name the place of the reply, Proto the protocol that it must be written in.
	Asker  int64
	Client session.Ref
	Seq    uint32
	Proto  uint8
	// Command is that of Config, Words are those of Info and Config.
	Command routing.ID
	Words   []string
	// Size is that of the command that wants ListClients, in bytes.
	Size int
	// Filter selects the clients of ListClients and KillClients.
	Filter Filter
	// Pause is how long PauseClients has clients wait: all of their commands, or those that may write.
	Pause    time.Duration
	PauseAll bool
	// ID is that of the client to unblock, AsError says that it gets an error in place of what a timeout answers.
	ID      int64
	AsError bool
	// Patience is how long the reply may wait for servers that cannot be reached.
	Patience time.Duration
}

// Partial is what one worker has for a Request. The zero value adds nothing.
type Partial struct {
	// Lines are those of CLIENT LIST.
	Lines []Line
	// Count is how many clients were killed or unblocked.
	Count int
	// Blocked is where the client that is to be unblocked waits, when its server has to be told; nil otherwise.
	Blocked *BlockedAt
}

// Line is one client's line of CLIENT LIST, with its end of line.
type Line struct {
	ID   int64
	Text []byte
}

// BlockedAt is a connection on which a server keeps a client waiting.
type BlockedAt struct {
	// Addr is the server's, Client what it calls the connection (CLIENT ID).
	Addr   string
	Client int64
}

var noSuchClient = []byte("-ERR No such client\r\n")

// Concerns reports whether the clients of a service are among those that a request may be about.
func (r *Request) Concerns(service int) bool { return slices.Contains(r.Services, service) }

// Changes reports whether what its client sends next must find the request done.
func (r *Request) Changes() bool {
	return r.Kind != Info && (r.Kind != Config || r.Command != routing.CmdConfigGet)
}

// Reply makes one reply out of the partial results of all workers.
func (r *Request) Reply(partials []Partial) []byte {
	count := 0
	var lines []Line
	for i := range partials {
		count += partials[i].Count
		lines = append(lines, partials[i].Lines...)
	}
	switch {
	case r.Kind == ListClients:
		slices.SortFunc(lines, func(a, b Line) int { return int(a.ID - b.ID) })
		var text strings.Builder
		for _, l := range lines {
			text.Write(l.Text)
		}
		return r.Text([]byte(text.String()))
	case r.Kind == UnblockClient, r.Kind == KillClients && !r.Filter.Old:
		return resp.AppendInt(nil, int64(count))
	case r.Kind == KillClients && count == 0:
		return noSuchClient
	}
	return resp.OK
}

// Text makes a reply out of lines for a person.
func (r *Request) Text(text []byte) []byte { return resp.AppendVerbatim(nil, int(r.Proto), text) }
