package worker

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"evergate/gateway/admin"
	"evergate/gateway/backend"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/topology"
)

// command does one line of a script:
//
//	start SETTING ...           view plain a b c | view plain - b | view cluster a:0-99,b c:100-16383 | view none
//	open CLIENT                 say CLIENT WORDS [/ WORDS ...]         raw CLIENT BYTES
//	leave CLIENT                half-close CLIENT (all that it sent has been read)
//	connected LANE [CLIENT RUN [valkey]]  refused LANE         stranger LANE     reply LANE BYTES     lost LANE
//	slow CLIENT|LANE            takes CLIENT|LANE BYTES|all            after DURATION       drain
//	down-after DURATION         run NODE RUN ID                        held
//	long-script begins|ends (of another worker)
//	acks LANE (all that was asked of a feed)                           push LANE WORDS
//
// In a view the primary of a shard comes first ("-" for none), then its replicas. "b+" is a primary that covers its
// former one; "-a" is no primary while a is being left, "-a>b" the same with b as the proven successor.
func (p *player) command(line string) {
	verb, rest, _ := strings.Cut(line, " ")
	who, text, _ := strings.Cut(rest, " ")
	if p.w != nil {
		p.w.Tick(p.now)
	}
	switch verb {
	case "start":
		p.start(strings.Fields(rest))
	case "view":
		p.setView(who, strings.Fields(text))
		p.w.Tick(p.now)
	case "open":
		door := 0
		if who[0] == 'd' {
			door = 1
		}
		id := p.w.ClientOpened(door, "remote", "local")
		p.clients[who], p.client[id] = id, who
	case "say":
		var b []byte
		for _, words := range strings.Split(text, " / ") {
			args := strings.Fields(words)
			for i, a := range args {
				args[i] = strings.ReplaceAll(string(expand(a)), "{cursor}", p.cursor)
			}
			b = resp.AppendCommandStrings(b, args...)
		}
		clientSends(p.w, p.clients[who], b)
	case "raw":
		clientSends(p.w, p.clients[who], expand(text))
	case "half-close":
		p.w.ClientEnded(p.clients[who])
	case "leave":
		p.w.ClientClosed(p.clients[who])
	case "after":
		d, err := time.ParseDuration(who)
		if err != nil {
			p.t.Fatal(err)
		}
		p.now += d
		p.w.Tick(p.now)
	case "slow":
		p.slow[who] = true
	case "takes":
		p.takes(who, text)
	case "down-after":
		d, err := time.ParseDuration(who)
		if err != nil {
			p.t.Fatal(err)
		}
		v := *p.view
		p.epoch++
		v.DownAfter, v.Epoch = d, p.epoch
		p.view = &v
		p.w.Tick(p.now)
	case "run":
		p.runs(p.node(who), text)
	case "held":
		p.tellHeld()
	case "long-script":
		p.long += map[string]int{"begins": 1, "ends": -1}[who]
	case "drain":
		p.reports = append(p.reports, fmt.Sprintf("%d clients left", p.w.Drain()))
	default:
		p.laneCommand(verb, who, text)
	}
}

func (p *player) laneCommand(verb, who, text string) {
	id, known := p.lanes[who]
	if !known {
		p.reports = append(p.reports, "no lane is called "+who)
		return
	}
	switch verb {
	case "connected":
		words := append(strings.Fields(text), "", "", "")
		met := Met{RunID: words[1], OwnOffset: words[2] == "valkey"}
		met.Client, _ = strconv.ParseInt(words[0], 10, 64)
		p.w.LaneOpened(id, met)
	case "stranger":
		p.w.LaneClosed(id, backend.OtherRun)
	case "refused":
		p.w.LaneClosed(id, backend.DialFailed)
	case "lost":
		p.w.LaneClosed(id, backend.PeerClosed)
	case "reply":
		p.w.LaneRead(id, expand(text))
	case "acks":
		acknowledge(p.w, id)
	case "push":
		p.w.LaneRead(id, pushed(strings.Fields(text)...))
	default:
		p.t.Fatalf("no command is called %q", verb)
	}
}

// tellHeld tells the books of what waits for a server.
func (p *player) tellHeld() {
	s := p.w.Snapshot()
	p.reports = append(p.reports, fmt.Sprintf(
		"holds %d, ended %d; waited %d: now %d, released %d, expired %d, left %d; refused %d, too many %d, would have %d",
		s.Holds, s.HoldsEnded, s.Held, s.Waiting, s.HoldReleased, s.HoldExpired, s.HoldLeft, s.HoldRefused, s.HoldOverfull,
		s.WouldHaveHeld))
}

// takes lets a slow connection take some bytes, or all from now on.
func (p *player) takes(who, text string) {
	n, err := strconv.Atoi(text)
	if err != nil {
		p.slow[who] = false
		n = 1 << 30
	}
	if id, ok := p.clients[who]; ok {
		p.w.ClientWrote(id, min(n, len(p.w.ClientBytes(id))))
	} else {
		p.w.LaneWrote(p.lanes[who], min(n, len(p.w.LaneBytes(p.lanes[who]))))
	}
}

// round ends the round and tells what the worker wants, until it wants nothing more.
func (p *player) round(out io.Writer) {
	for range 10 {
		for _, r := range p.reports {
			fmt.Fprintln(out, r)
		}
		p.reports = p.reports[:0]
		p.doAdmin()
		p.w.checkRooms(p.t)
		o := p.w.Out()
		if o.empty() {
			return
		}
		p.obey(out, o)
	}
	p.t.Fatal("the worker does not come to rest")
}

// doAdmin does what concerns all workers, with the only one that there is.
func (p *player) doAdmin() {
	asked := p.asked
	p.asked = nil
	for i := range asked {
		r := &asked[i]
		switch r.Kind {
		case admin.Info:
			continue
		case admin.Config:
			p.reports = append(p.reports, "servers asked: CONFIG "+strings.Join(r.Words, " "))
			p.w.AdminReply(r.Client, r.Seq, resp.AppendBulkString(nil, "what they say"))
			continue
		}
		partial := p.w.Admin(r)
		if at := partial.Blocked; at != nil {
			p.reports = append(p.reports, fmt.Sprintf("to unblock: connection %d of %s", at.Client, at.Addr[:1]))
			partial.Count = 1
			if p.mute {
				partial.Count = p.w.Unblock(r)
			}
		}
		p.w.AdminReply(r.Client, r.Seq, r.Reply([]admin.Partial{partial}))
	}
}

func (p *player) obey(out io.Writer, o *Out) {
	slices.Sort(o.CloseLanes)
	for _, id := range o.CloseLanes {
		fmt.Fprintf(out, "close %s\n", p.lane[id])
		delete(p.lanes, p.lane[id])
		delete(p.lane, id)
	}
	for _, d := range o.Dials {
		fmt.Fprintf(out, "dial %s\n", p.dialled(d))
	}
	for _, r := range o.Read {
		name, what := p.client[r.Client], map[bool]string{true: "on", false: "off"}[r.On]
		if r.Lane {
			name = p.lane[r.LaneID]
		}
		fmt.Fprintf(out, "reading %s %s\n", what, name)
	}
	for _, id := range o.Lanes {
		name := p.lane[id]
		b := p.w.LaneBytes(id)
		if len(b) == 0 {
			continue
		}
		fmt.Fprintf(out, "%s <- %s\n", name, showCommands(b))
		if !p.slow[name] {
			p.w.LaneWrote(id, len(b))
		}
	}
	for _, id := range o.Clients {
		name := p.client[id]
		b := p.w.ClientBytes(id)
		fmt.Fprintf(out, "%s <- %s\n", name, show(b))
		if page := strings.SplitN(string(b), "\r\n", 4); page[0] == "*2" && len(page) == 4 {
			p.cursor = page[2]
		}
		if !p.slow[name] {
			p.w.ClientWrote(id, len(b))
		}
	}
	for _, id := range o.CloseClients {
		fmt.Fprintf(out, "close %s\n", p.client[id])
	}
	p.tellClosed(out)
}

// tellClosed tells why clients were closed in this round.
func (p *player) tellClosed(out io.Writer) {
	closed := p.w.Stats().ClientsClosed
	for why := range closed {
		if n := closed[why] - p.closed[why]; n > 0 {
			fmt.Fprintf(out, "closed: %d, %v\n", n, session.CloseReason(why))
		}
	}
	p.closed = closed
}

// dialled gives a lane its name.
func (p *player) dialled(d Dial) string {
	name, known := p.lane[d.Lane]
	if !known || name[0] != d.Addr[0] {
		name = d.Addr[:1]
		for i := 2; ; i++ {
			if _, taken := p.lanes[name]; !taken {
				break
			}
			name = fmt.Sprint(d.Addr[:1], i)
		}
	}
	p.lanes[name], p.lane[d.Lane] = d.Lane, name
	text := fmt.Sprintf("%s RESP%d", name, d.Proto)
	if d.ReadOnly {
		text += " READONLY"
	}
	if d.RunID != "" {
		text += " run " + d.RunID
	}
	if d.Urgent {
		text += " urgent"
	}
	if len(d.Kill) > 0 {
		text += fmt.Sprint(" kill ", d.Kill)
		if d.KillIn != d.RunID {
			text += " in " + d.KillIn
		}
	}
	return text
}

// showCommands writes whole commands as words.
func showCommands(b []byte) string {
	var all []string
	limits := resp.DefaultLimits()
	for len(b) > 0 {
		var s resp.Scanner
		n, args, status := s.Next(b, nil, &limits)
		if status != resp.Frame {
			return strings.Join(append(all, show(b)), " / ")
		}
		var words []string
		for _, a := range args {
			word := show(a)
			if !utf8.ValidString(word) {
				word = strconv.QuoteToASCII(word)
			}
			words = append(words, word)
		}
		all = append(all, strings.Join(words, " "))
		b = b[n:]
	}
	return strings.Join(all, " / ")
}

// setView has a new view come.
func (p *player) setView(mode string, shards []string) {
	if mode == "none" {
		p.view = nil
		return
	}
	v := &topology.View{Shards: make([]topology.Shard, 1)}
	if mode == "cluster" {
		v = p.slotView(shards)
	} else {
		shards = []string{strings.Join(shards, ",")}
	}
	for i, text := range shards {
		primary, replicas, _ := strings.Cut(text, ",")
		primary, _, _ = strings.Cut(primary, ":")
		sh := topology.Shard{Index: i, Name: "main"}
		if former, left := strings.CutPrefix(primary, "-"); !left {
			primary, sh.Covers = p.coveredBy(primary, i)
			name, busy := strings.CutSuffix(primary, "*")
			sh.Primary = p.busy(p.node(name), busy)
		} else if former != "" {
			former, successor, _ := strings.Cut(former, ">")
			former, sh.FormerMute = strings.CutSuffix(former, "!")
			sh.Former = p.node(former)
			if successor != "" {
				sh.Successor = p.node(successor)
			}
		}
		for _, r := range strings.FieldsFunc(replicas, func(r rune) bool { return r == ',' }) {
			sh.Replicas = append(sh.Replicas, p.node(r))
		}
		v.Shards[i] = sh
	}
	p.epoch++
	v.Epoch, v.Nodes = p.epoch, slices.Clone(p.nodes)
	p.view = v
}

// runs has a view come in which a node has another run id.
func (p *player) runs(n *topology.Node, id string) {
	now := *n
	now.RunID = id
	p.nodes[n.ID] = &now
	v := *p.view
	v.Shards, v.Nodes = slices.Clone(v.Shards), slices.Clone(p.nodes)
	for i := range v.Shards {
		if sh := &v.Shards[i]; sh.Primary == n {
			sh.Primary = &now
		}
	}
	p.epoch++
	v.Epoch, p.view = p.epoch, &v
	p.w.Tick(p.now)
}

func (p *player) node(name string) *topology.Node {
	for _, n := range p.nodes {
		if n.Addr == name+":1" {
			return n
		}
	}
	n := &topology.Node{ID: topology.NodeID(len(p.nodes)), Addr: name + ":1", Announced: name + ":1", Version: "7.2.4"}
	p.nodes = append(p.nodes, n)
	return n
}

// slotView has a State make a view with the slots of the shards.
func (p *player) slotView(shards []string) *topology.View {
	seen := topology.SlotsSeen{Asked: "s0:1", HasEpochs: true}
	for i, text := range shards {
		var slots topology.SlotRange
		_, text, _ = strings.Cut(text, ":")
		if _, err := fmt.Sscanf(text, "%d-%d", &slots.First, &slots.Last); err != nil {
			p.t.Fatal(err)
		}
		seen.Shards = append(seen.Shards, topology.ShardSeen{
			Slots:   []topology.SlotRange{slots},
			Primary: topology.MemberSeen{Addr: fmt.Sprintf("s%d:1", i), Healthy: true}, Epoch: uint64(i + 1),
		})
	}
	state := topology.NewState(topology.Settings{Mode: topology.ByCluster, Seeds: []string{"s0:1"}})
	now := time.Unix(1, 0)
	state.Step(topology.Tick{}, now)
	state.Step(seen, now)
	for i := range shards {
		state.Step(topology.RoleSeen{Addr: fmt.Sprintf("s%d:1", i), Role: topology.RolePrimary}, now)
	}
	state.Step(topology.Tick{}, now.Add(time.Second))
	v := *state.View()
	v.Shards = slices.Clone(v.Shards)
	return &v
}
