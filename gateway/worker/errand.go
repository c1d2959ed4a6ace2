package worker

import (
	"slices"
	"strings"
	"time"

	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/wait"
	"evergate/routing"
)

// ErrandKind says what an Errand is for.
type ErrandKind uint8

const (
	// SayInfo wants the text of INFO for the sections in Words (lower case; none: the default ones).
	SayInfo ErrandKind = iota
	// DoConfig wants the Command of CONFIG done at the servers; Words are its arguments from the subcommand on, which is
	// in lower case.
	DoConfig
	// ListClients wants the lines of CLIENT LIST.
	ListClients
	// KillClients wants clients closed.
	KillClients
	// PauseClients and UnpauseClients have the clients of a service wait, or go on.
	PauseClients
	UnpauseClients
	// UnblockClient wants a blocked client answered now.
	UnblockClient
	// BeginMonitor and EndMonitor say that there is one more client, or one less, to whom others are shown.
	BeginMonitor
	EndMonitor
)

// Errand is what one client wants of all workers, or of the servers outside of any lane. Env.Ask takes it; the answer
// comes through Worker.Reply. Every worker does its Share; Answer makes one reply of them, but for SayInfo and
// DoConfig.
type Errand struct {
	Kind ErrandKind
	// Door is what the client came through, Parts the services that the clients have whom it concerns, the asker's first:
	// who takes the Errand adds those that are one with it.
	Door  int
	Parts []int
	// Asker is the number of the client that asks: no other of the process has it. Client, which only its worker knows,
	// and Seq name the place of the answer, Proto the protocol in which it must be written.
	Asker  int64
	Client session.Ref
	Seq    uint32
	Proto  uint8
	// Command is that of DoConfig, Words are those of SayInfo and DoConfig.
	Command routing.ID
	Words   []string
	// Size is that of the command that wants ListClients, in bytes.
	Size int
	// Filter names the clients of ListClients and KillClients.
	Filter Filter
	// Pause is how long PauseClients has clients wait: all of their commands, or those that may write.
	Pause    time.Duration
	PauseAll bool
	// Number is that of the client to unblock, AsError says that it gets an error in place of what a timeout answers.
	Number  int64
	AsError bool
	// Patience is how long the answer may wait for servers that cannot be reached.
	Patience time.Duration
}

// Share is what one worker has to say to an Errand.
type Share struct {
	Snapshot Snapshot
	// Lines are those of CLIENT LIST by the clients' numbers.
	Lines []ClientLine
	// Count is how many clients were killed or unblocked.
	Count int
	// Blocked is where the client that is to be unblocked waits, when its server has to be told; nil otherwise.
	Blocked *BlockedAt
}

// concerns says that a client is one of those whom an Errand may be about.
func (e *Errand) concerns(c *client) bool { return slices.Contains(e.Parts, c.svc.index) }

// ClientLine is one client's line of CLIENT LIST, with its end of line.
type ClientLine struct {
	Number int64
	Text   []byte
}

// errandOf is the errand that a command is, and whether it is one. wrong answers one that cannot be understood.
func (w *Worker) errandOf(c *client, command *routing.Command, args [][]byte) (e Errand, wrong []byte, is bool) {
	switch command.ID {
	case routing.CmdInfo:
		e.Kind = SayInfo
		for _, a := range args[1:] {
			e.Words = append(e.Words, strings.ToLower(string(a)))
		}
	case routing.CmdConfigGet, routing.CmdConfigSet, routing.CmdConfigResetStat, routing.CmdConfigRewrite:
		e.Kind, e.Command, e.Words, e.Patience = DoConfig, command.ID, []string{command.Word()}, c.patience()
		for _, a := range args[2:] {
			e.Words = append(e.Words, string(a))
		}
	default:
		if !concernsOthers(command.ID) {
			return e, nil, false
		}
		e, wrong = w.clientErrand(command.ID, args)
	}
	return e, wrong, wrong == nil
}

// errand sends a client's errand off. Where waits is true nothing more of the client is read until the answer comes,
// since what follows must find it done.
func (w *Worker) errand(c *client, e Errand, waits bool) {
	c.errandOut = waits
	w.ask(c, e, c.Replies.Reserve())
}

// ask sends off an errand whose answer has its place.
func (w *Worker) ask(c *client, e Errand, seq uint32) {
	e.Door, e.Parts = int(c.door), []int{c.svc.index}
	e.Asker, e.Client, e.Seq, e.Proto = c.number, c.ref, seq, c.Proto
	w.env.Ask(e)
}

// Share does this worker's share of an Errand.
func (w *Worker) Share(e *Errand) (s Share) {
	switch e.Kind {
	case SayInfo:
		s.Snapshot = w.Snapshot()
	case ListClients:
		s.Lines = w.listClients(e)
	case KillClients:
		s.Count = w.killClients(e)
	case PauseClients:
		w.pauseClients(e)
	case UnpauseClients:
		w.unpauseClients(e)
	case UnblockClient:
		s = w.unblock(e)
	case BeginMonitor, EndMonitor:
		w.countMonitors(e)
	}
	return s
}

// Answer makes the reply out of the shares of all workers.
func (e *Errand) Answer(shares []Share) []byte {
	count := 0
	var lines []ClientLine
	for i := range shares {
		count += shares[i].Count
		lines = append(lines, shares[i].Lines...)
	}
	switch {
	case e.Kind == ListClients:
		slices.SortFunc(lines, func(a, b ClientLine) int { return int(a.Number - b.Number) })
		var text strings.Builder
		for _, l := range lines {
			text.Write(l.Text)
		}
		return e.Text([]byte(text.String()))
	case e.Kind == UnblockClient, e.Kind == KillClients && !e.Filter.Old:
		return resp.AppendInt(nil, int64(count))
	case e.Kind == KillClients && count == 0:
		return noSuchClient
	}
	return resp.OK
}

// Text makes a reply out of lines for a person.
func (e *Errand) Text(text []byte) []byte { return resp.AppendVerbatim(nil, int(e.Proto), text) }

// Reply gives the answer to an Errand to the client that waits for it, and goes on with that client.
func (w *Worker) Reply(ref session.Ref, seq uint32, reply []byte) {
	c := w.client(ref)
	if c == nil {
		return
	}
	if s := c.splitOf(seq); s == nil {
		w.deliver(c, seq, reply)
	} else if w.completedBy(c, s, reply) {
		w.complete(c, s)
	}
	w.monitors(c)
	if c.Reason == wait.Flight || c.errandOut && c.Reason == wait.Asking {
		w.wake(c)
	}
	c.errandOut = false
	w.finished(c)
}
