package worker

import (
	"bytes"
	"strings"

	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/routing"
)

// A command that the gateway answers by itself may stand in a transaction too: pipelines of client libraries are
// transactions by default, and name their connection in them. A PING is sent in its place, and the element that the
// server gives for it in EXEC's reply is replaced. So it is done when the transaction is, and not when EXEC answers nil
// or an error. What the session sends behind such an EXEC waits, since it may depend on it.

var pingFrame = resp.AppendCommandStrings(nil, "PING")

const (
	// standInsMax bounds the commands of one transaction for which others stand in, standInBytes the length of each.
	standInsMax  = 1000
	standInBytes = 4 << 10
)

// mayStandIn names the commands that can be done so: those that are answered at once, and change nothing that replies
// are subject to.
func mayStandIn(c *routing.Command) bool {
	switch c.Name {
	case "info", "hello", "auth", "select", "client|reply", "client|tracking", "client|caching", "monitor":
		return false
	}
	container, sub, _ := strings.Cut(c.Name, "|")
	switch container {
	case "cluster":
		return false
	case "config":
		return sub == "get" || sub == "help"
	case "client":
		return !concernsOthers(sub)
	}
	return true
}

// standIn has a PING stand for a command in the transaction that is being queued.
func standIn(c *client, args [][]byte) []byte {
	m := c.Multi
	own := make([][]byte, len(args))
	for i, a := range args {
		own[i] = bytes.Clone(a)
	}
	m.StandIns = append(m.StandIns, session.StandIn{At: m.Count, Args: own})
	return pingFrame
}

// askForStandIn has the servers asked, as it is queued, for what CONFIG GET will have said in the transaction. QUEUED
// comes with their answer, and whatever follows waits for it.
func (w *Worker) askForStandIn(c *client, args [][]byte) {
	stand := &c.Multi.StandIns[len(c.Multi.StandIns)-1]
	stand.Asked, stand.Seq = true, w.config(c, "get", args, true)
}

// standInSaid takes the answer to that, if it is one.
func (c *client) standInSaid(seq uint32, reply []byte) bool {
	if c.Multi == nil || len(c.Multi.StandIns) == 0 {
		return false
	}
	stand := &c.Multi.StandIns[len(c.Multi.StandIns)-1]
	if !stand.Asked || stand.Seq != seq || stand.Reply != nil {
		return false
	}
	stand.Reply = reply
	c.Multi.Said += len(reply)
	return true
}

// sendStandIns notes what the answer to an EXEC is to be completed with. It returns the part of the ticket.
func (c *client) sendStandIns(seq uint32) int16 {
	if len(c.Multi.StandIns) == 0 {
		return -1
	}
	c.splits = append(c.splits, &split{seq: seq, left: 1, parts: make([]resp.JoinPart, 1), standIns: c.Multi.StandIns})
	return 0
}

// awaitsStandIn says that an EXEC is under way that the gateway has a part in.
func (c *client) awaitsStandIn() bool {
	for _, s := range c.splits {
		if s.standIns != nil {
			return true
		}
	}
	return false
}

// completed is the reply to an EXEC with the gateway's own parts in it.
func (w *Worker) completed(c *client, s *split) []byte {
	reply := s.parts[0].Reply
	if len(reply) < 2 || reply[0] != '*' || reply[1] == '-' {
		return reply
	}
	places, own := make([]int, 0, len(s.standIns)), make([][]byte, 0, len(s.standIns))
	for _, stand := range s.standIns {
		places = append(places, stand.At)
		reply := stand.Reply
		if reply == nil {
			reply = w.ownReply(c, routing.Lookup(stand.Args), stand.Args)
		}
		own = append(own, reply)
	}
	return resp.Replace(nil, reply, places, own)
}
