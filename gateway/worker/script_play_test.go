package worker_test

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"evergate/gateway/access"
	"evergate/gateway/admin"
	"evergate/gateway/hotkeys"
	"evergate/gateway/maintenance"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/summary"
	"evergate/gateway/upstream"
	"evergate/gateway/worker"
	"evergate/routing"
	"evergate/testenv/play"
	"evergate/topology"
	"evergate/topology/decide"
)

// command does one line of a script:
//
//	start SETTING ...           configure SETTING ... (instead of those before)
//	                            view plain a b c | view plain - b | view cluster a:0-99,b c:100-16383 | view none
//	open CLIENT                 say CLIENT WORDS [/ WORDS ...]         raw CLIENT BYTES
//	leave CLIENT                half-close CLIENT (all that it sent has been read)
//	connected LANE [CLIENT RUN [valkey]]  refused LANE         stranger LANE     rejected LANE (its user)
//	verdict CLIENT OK|ERROR (of a server, about its credentials)
//	    reply LANE BYTES     lost LANE
//	slow CLIENT|LANE            takes CLIENT|LANE BYTES|all            after DURATION       drain [gently|early]
//	down-after DURATION         run NODE RUN ID                        held
//	copies ATTACHED PROMOTABLE BYSTANDERS (replicas of each shard, until the next view)
//	moving DURATION [ENDPOINT [early]] (clients are asked to move)
//	long-script begins|ends (of another worker)
//	polls NODE:OFFSET ...       reads (why they went to primaries since)
//	hedges (the counters)
//	users RULES | RULES ...     the lines of the file of users, without "user"
//	acks LANE (all that was asked of a feed)                           push LANE WORDS
//
// In a view the primary of a shard comes first ("-" for none), then its replicas. "b+" is a primary that covers its
// former one; "-a" is no primary while a is being left, "-a>b" the same with b as the proven successor.
// Replicas of the gateway's own zone are "b@", before all others.
func (p *player) command(line string) {
	verb, rest, _ := strings.Cut(line, " ")
	who, text, _ := strings.Cut(rest, " ")
	if p.loop != nil {
		p.tick(0)
	}
	switch verb {
	case "start":
		p.start(strings.Fields(rest))
	case "configure":
		p.configure(strings.Fields(rest))
		p.tick(0)
	case "view":
		p.setView(who, strings.Fields(text))
		p.tick(0)
	case "open":
		listener := 0
		if who[0] == 'd' {
			listener = 1
		}
		p.rates.arriving = text
		id := p.loop.Open(listener).ID
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
		p.loop.FromClient(p.clients[who], b)
	case "raw":
		p.loop.FromClient(p.clients[who], expand(text))
	case "half-close":
		p.loop.HalfClose(p.clients[who])
	case "leave":
		p.loop.Leave(p.clients[who])
	case "after":
		d, err := time.ParseDuration(who)
		if err != nil {
			p.t.Fatal(err)
		}
		p.tick(d)
	case "slow":
		p.slow[who] = true
	case "takes":
		p.takes(who, text)
	case "polls":
		p.polls(strings.Fields(rest))
	case "reads":
		p.reportReads()
	case "hedges":
		p.effect("hedges: %+v", p.loop.Worker.Stats().Hedges)
	case "down-after":
		d, err := time.ParseDuration(who)
		if err != nil {
			p.t.Fatal(err)
		}
		v := *p.view
		p.epoch++
		v.DownAfter, v.Epoch = d, p.epoch
		p.view = &v
		p.tick(0)
	case "copies":
		p.setCopies(strings.Fields(rest))
	case "run":
		p.runs(p.node(who), text)
	case "held":
		p.tellHeld()
	case "verdict":
		p.verdict(who, text)
	case "long-script":
		p.long += map[string]int{"begins": 1, "ends": -1}[who]
	case "users":
		p.setUsers(strings.Split(rest, " | "))
	case "drain":
		if who == "early" {
			worker.DrainEarly(p.loop.Worker, math.MaxInt)
			break
		}
		p.reports = append(p.reports, fmt.Sprintf("%d clients left", p.loop.Drain(who != "gently")))
	case "moving":
		in, err := time.ParseDuration(who)
		if err != nil {
			p.t.Fatal(err)
		}
		endpoint, early := strings.CutSuffix(text, " early")
		host, port, _ := strings.Cut(endpoint, ":")
		n := maintenance.Notice{Kind: maintenance.Moving, SlotsSeq: 99, Seq: 100, In: in, Early: early}
		n.Host, n.Port = host, port
		worker.Notify(p.loop.Worker, 0, n)
	default:
		p.connCommand(verb, who, text)
	}
}

func (p *player) connCommand(verb, who, text string) {
	id, known := p.conns[who]
	if !known {
		p.reports = append(p.reports, "no connection is called "+who)
		return
	}
	switch verb {
	case "connected":
		words := append(strings.Fields(text), "", "", "")
		met := upstream.Greeting{RunID: words[1], OwnOffset: words[2] == "valkey"}
		met.Client, _ = strconv.ParseInt(words[0], 10, 64)
		p.loop.Connected(id, met)
	case "stranger":
		p.loop.Lose(id, worker.OtherRun)
	case "rejected":
		p.loop.Lose(id, worker.NotAuthenticated)
	case "refused":
		p.loop.Lose(id, worker.DialFailed)
	case "lost":
		p.loop.Lose(id, worker.PeerClosed)
	case "reply":
		p.send(id, expand(text))
	case "acks":
		p.acknowledge(id)
	case "push":
		p.send(id, pushed(strings.Fields(text)...))
	default:
		p.t.Fatalf("no command is called %q", verb)
	}
}

// setUsers sets the users of the service. The worker sees them in its next round.
func (p *player) setUsers(lines []string) {
	for i := range lines {
		lines[i] = "user " + lines[i]
	}
	users, err := access.Parse("users.acl", lines)
	if err != nil {
		p.t.Fatal(err)
	}
	p.users = users
	p.tick(0)
}

// tellHeld tells the books of what waits for a server.
func (p *player) tellHeld() {
	s := p.loop.Worker.Snapshot()
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
	}
	p.room[who] = n
	if id, ok := p.clients[who]; ok {
		p.loop.FlushClient(p.loop.Client(id))
	} else if c := p.loop.Conn(p.conns[who]); c != nil {
		p.loop.Flush(c)
	}
	p.room[who] = 0
}

// taken is how many of so many bytes one takes now, and tells them.
func (p *player) taken(name string, b []byte, show func([]byte) string) int {
	n := len(b)
	if p.slow[name] {
		n = min(n, p.room[name])
		p.room[name] -= n
	}
	if n > 0 {
		p.effect("%s <- %s", name, show(b[:n]))
	}
	return n
}

// tick moves the clock on and begins a round.
func (p *player) tick(d time.Duration) { p.loop.Tick(p.loop.Now + d) }

// rounds ends the round, and has more until the worker wants nothing any more.
func (p *player) rounds() {
	for range 10 {
		p.printReports()
		p.doAdmin()
		if !p.loop.Round() {
			p.printReports()
			return
		}
		p.tellClosed()
	}
	p.t.Fatal("the worker does not come to rest")
}

func (p *player) printReports() {
	for _, r := range p.reports {
		p.effect("%s", r)
	}
	p.reports = p.reports[:0]
}

func (p *player) effect(format string, args ...any) { fmt.Fprintf(&p.out, format+"\n", args...) }

// doAdmin does what concerns all workers, with the only one that there is.
func (p *player) doAdmin() {
	asked := p.loop.Asked
	p.loop.Asked = nil
	for i := range asked {
		r := &asked[i]
		var reply []byte
		switch r.Kind {
		case admin.Info:
			continue
		case admin.Config:
			p.reports = append(p.reports, "servers asked: CONFIG "+strings.Join(r.Words, " "))
			reply = resp.AppendBulkString(nil, "what they say")
		case admin.HotKeys:
			reply = p.hotKeys(r)
		case admin.Proxy:
			reply = proxied(r, p.loop.Worker.Admin(r).Groups)
		}
		partial := p.loop.Answer(r, !p.mute, reply)
		if at := partial.Blocked; at != nil {
			p.reports = append(p.reports, fmt.Sprintf("to unblock: connection %d of %s", at.Client, at.Addr[:1]))
		}
	}
}

// hotKeys is the reply to HOTKEYS GET, nil to the others, which do not depend on the worker.
func (p *player) hotKeys(r *admin.Request) []byte {
	if r.Command != routing.CmdHotKeysGet {
		return nil
	}
	s := hotkeys.Session{Options: hotkeys.Options{Count: 10, Sample: 1}, Began: time.Unix(0, 0), Active: true}
	return s.AppendReply(nil, int(r.Proto), []hotkeys.Report{p.loop.Worker.Admin(r).HotKeys})
}

// proxied is the reply to PROXY: the sections that it names, or the clients that the worker has counted.
func proxied(r *admin.Request, groups []summary.Group) []byte {
	lines := []string{"of the gateway: " + strings.Join(r.Words, " ")}
	for _, g := range groups {
		lines = append(lines, fmt.Sprintf("%+v", g))
	}
	return resp.AppendLines(nil, lines...)
}

// Closed tells which connection the worker closes.
func (p *player) Closed(id worker.ConnID, _ *play.Conn) {
	p.effect("close %s", p.conn[id])
	delete(p.conns, p.conn[id])
	delete(p.conn, id)
}

// Dial tells which connection it wants.
func (p *player) Dial(c *play.Conn) { p.effect("dial %s", p.dialled(c.Dial)) }

// Reading tells what it wants read.
func (p *player) Reading(r worker.Reading) {
	name, what := p.client[r.Client], map[bool]string{true: "on", false: "off"}[r.On]
	if r.Conn {
		name = p.conn[r.ConnID]
	}
	p.effect("reading %s %s", what, name)
}

// ToServer tells what a server takes.
func (p *player) ToServer(c *play.Conn, b []byte) int {
	n := p.taken(p.conn[c.Conn], b, showCommands)
	p.asked[c.Conn].Add(b[:n])
	return n
}

// ToClient tells what a client takes.
func (p *player) ToClient(c *play.Client, b []byte) int {
	n := p.taken(p.client[c.ID], b, show)
	if page := strings.SplitN(string(b[:n]), "\r\n", 4); page[0] == "*2" && len(page) == 4 {
		p.cursor = page[2]
	}
	return n
}

// ClientClosed tells which client it closes.
func (p *player) ClientClosed(c *play.Client) { p.effect("close %s", p.client[c.ID]) }

// send has a server say something.
func (p *player) send(id worker.ConnID, b []byte) {
	p.asked[id].Replied(b)
	p.loop.FromServer(id, b)
}

// acknowledge answers all that a subscription connection was sent, as a server does.
func (p *player) acknowledge(id worker.ConnID) {
	for p.loop.Conn(id) != nil {
		b := p.asked[id].Execute()
		if b == nil {
			return
		}
		p.loop.FromServer(id, b)
	}
}

// pushed makes a push of RESP3.
func pushed(words ...string) []byte {
	b := resp.AppendArray(nil, len(words))
	b[0] = '>'
	for _, word := range words {
		b = resp.AppendBulkString(b, string(expand(word)))
	}
	return b
}

// tellClosed tells why clients were closed in this round.
func (p *player) tellClosed() {
	closed := p.loop.Worker.Stats().ClientsClosed
	for why := range closed {
		if n := closed[why] - p.closed[why]; n > 0 {
			p.effect("closed: %d, %v", n, session.CloseReason(why))
		}
	}
	p.closed = closed
}

// dialled gives a connection its name.
func (p *player) dialled(d upstream.Dial) string {
	name, known := p.conn[d.Conn]
	if !known || name[0] != d.Addr[0] {
		name = d.Addr[:1]
		for i := 2; ; i++ {
			if _, taken := p.conns[name]; !taken {
				break
			}
			name = fmt.Sprint(d.Addr[:1], i)
		}
	}
	p.conns[name], p.conn[d.Conn], p.asked[d.Conn] = d.Conn, name, &play.Subscriptions{}
	text := fmt.Sprintf("%s RESP%d", name, d.Proto)
	if d.ReadOnly {
		text += " READONLY"
	}
	if d.RunID != "" {
		text += " run " + d.RunID
	}
	if d.As != nil {
		text += " as " + d.As.User()
		if d.As.None() {
			text += " without AUTH"
		}
	}
	if d.Bypass {
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
			former, sh.DemotedSilent = strings.CutSuffix(former, "!")
			sh.Demoted = p.node(former)
			if successor != "" {
				sh.Successor = p.node(successor)
			}
		}
		for _, r := range strings.FieldsFunc(replicas, func(r rune) bool { return r == ',' }) {
			name, busy := strings.CutSuffix(r, "*")
			name, near := strings.CutSuffix(name, "@")
			sh.Replicas = append(sh.Replicas, p.busy(p.node(name), busy))
			if near {
				sh.Near++
			}
		}
		if n := len(sh.Replicas); sh.Primary != nil {
			sh.Copies = topology.Copies{Attached: n, Promotable: n}
		}
		v.Shards[i] = sh
	}
	p.epoch++
	v.Epoch, v.Nodes = p.epoch, slices.Clone(p.nodes)
	p.view = v
}

// setCopies has a view come in which every shard has other numbers of replicas: attached, promotable, bystanders.
func (p *player) setCopies(numbers []string) {
	v := *p.view
	v.Shards = slices.Clone(v.Shards)
	for i := range v.Shards {
		c := &v.Shards[i].Copies
		for at, to := range []*int{&c.Attached, &c.Promotable, &c.Bystanders} {
			*to, _ = strconv.Atoi(numbers[at])
		}
	}
	p.epoch++
	v.Epoch, p.view = p.epoch, &v
	p.tick(0)
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
	p.tick(0)
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
	state := decide.New(decide.Settings{Mode: decide.ByCluster, Seeds: []string{"s0:1"}})
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
