// Package admin handles requests that one worker cannot answer alone, since they concern the clients of all workers
// (CLIENT LIST, KILL, PAUSE and UNBLOCK), or the servers one by one (INFO, CONFIG). It knows no worker.
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

	"evergate/gateway/hotkeys"
	"evergate/gateway/latency"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/slowlog"
	"evergate/gateway/summary"
	"evergate/routing"
)

// Kind is the purpose of a Request.
type Kind uint8

const (
	// Info returns the text of INFO for the sections in Words (lower case; none: the default ones).
	Info Kind = iota
	// Config executes the Command of CONFIG at the servers; Words are its arguments from the subcommand on, which is in
	// lower case.
	Config
	// ListClients returns the lines of CLIENT LIST.
	ListClients
	// KillClients closes clients.
	KillClients
	// PauseClients and UnpauseClients pause and resume the clients of a service.
	PauseClients
	UnpauseClients
	// UnblockClient ends the blocking command of a client.
	UnblockClient
	// BeginMonitor and EndMonitor count one more client, or one less, that monitors a service.
	BeginMonitor
	EndMonitor
	// KeepAsker lets the asker keep its memory past the bound for all clients, or not any more, see On.
	KeepAsker
	// HotKeys is the Command of HOTKEYS, with Options for HOTKEYS START.
	HotKeys
	// SeenKeys returns the hot keys and the big ones of the last minute.
	SeenKeys
	// SlowLog is the Command of SLOWLOG, with SlowQuery for SLOWLOG GET.
	SlowLog
	// SlowerThan has the worker note requests that take as long as Slow.
	SlowerThan
	// Latency is the Command of LATENCY; Words are its arguments from the subcommand on, which is in lower case. It
	// returns the times of commands since ResetLatency, which has them begin anew.
	Latency
	ResetLatency
	// Proxy is the Command of PROXY; Words are the sections of PROXY INFO, in lower case.
	Proxy
)

// Request is a client's request to all workers, or to the servers outside of the connections that clients share. Every
// worker contributes a Partial; Reply joins them to one reply, except for Info, Config and Proxy.
type Request struct {
	Kind Kind
	// Listener is the one that the client came through, Services those whose clients it concerns, the client's own first:
	// the receiver of the Request adds the services that form one with it.
	Listener int
	Services []int
	// Asker is the client's ID for CLIENT ID, unique in the process. Client, which only its worker knows, and Seq are the
	// place of the reply, Proto is its protocol.
	Asker  int64
	Client session.Ref
	Seq    uint32
	Proto  uint8
	// Command is that of Config, HotKeys, SlowLog, Latency or Proxy, Words are those of Info, Config and Proxy.
	Command routing.ID
	Words   []string
	Options hotkeys.Options
	// SlowQuery is that of SLOWLOG GET. Slow is a time, negative for never.
	SlowQuery slowlog.Query
	Slow      time.Duration
	// Size is that of the command of ListClients, in bytes.
	Size int
	// Filter selects the clients of ListClients and KillClients.
	Filter Filter
	// Pause is how long PauseClients pauses all commands, or those that may write.
	Pause    time.Duration
	PauseAll bool
	// On: KeepAsker was asked to.
	On bool
	// ID is that of the client to unblock; AsError: it gets an error instead of the reply of a timeout.
	ID      int64
	AsError bool
	// As are the credentials of the client where the servers know the users, nil elsewhere: its user must be permitted the
	// command there. Asked are the words of the command; of one that no server has, those of one that shows the same.
	As    *session.Credentials
	Asked []string
	// Patience is how long the reply may wait for servers that cannot be reached.
	Patience time.Duration
}

// Partial is one worker's contribution to a Request. The zero value adds nothing.
type Partial struct {
	// Lines are those of CLIENT LIST.
	Lines []Line
	// Count is how many clients were killed or unblocked.
	Count int
	// Blocked is the connection on which the client to unblock waits, if its server has to end that; nil otherwise.
	Blocked *BlockedAt
	// HotKeys is what the worker has for HOTKEYS GET.
	HotKeys hotkeys.Report
	// SeenKeys are those of the worker.
	SeenKeys hotkeys.Seen
	// Groups are the clients for PROXY CLIENTS.
	Groups []summary.Group
	// Times are those of the commands, by the Index of their rows; nil for none.
	Times []*latency.Histogram
}

// Line is one client's line of CLIENT LIST, with its end of line.
type Line struct {
	ID   int64
	Text []byte
}

// BlockedAt is a connection with a blocking command at a server.
type BlockedAt struct {
	// Addr is the server's, Client its ID of the connection (CLIENT ID).
	Addr   string
	Client int64
}

var noSuchClient = []byte("-ERR No such client\r\n")

// Concerns reports whether a request may concern the clients of a service.
func (r *Request) Concerns(service int) bool { return slices.Contains(r.Services, service) }

// Changes reports whether the request must have taken effect before its client's next command.
func (r *Request) Changes() bool {
	return r.Kind != Info && r.Kind != Proxy && (r.Kind != Config || r.Command != routing.CmdConfigGet)
}

// Reply joins the partial results of all workers to one reply.
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

// Text returns a reply with lines for a person.
func (r *Request) Text(text []byte) []byte { return resp.AppendVerbatim(nil, int(r.Proto), text) }
