package worker_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"evergate/gateway/access"
	"evergate/gateway/acks"
	"evergate/gateway/facade"
	"evergate/gateway/freshness"
	"evergate/gateway/policy"
	"evergate/gateway/pubsub"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/sessions"
	"evergate/gateway/slowlog"
	"evergate/gateway/worker"
	"evergate/testenv/golden"
	"evergate/testenv/play"
	"evergate/topology"
)

// TestScripts plays the scripts of testdata; package golden has their format. The effects of a command are what the
// worker had the loop do in the round that the command is; one that ends in "&" shares its round with the next one.
// Nodes are called a, b, c; the first connection to a is "a" too, further ones "a2", "a3". "{9}" in bytes stands for
// nine times x, "{cursor}" for the last cursor that a client was given.
// script_play_test.go has the commands.
func TestScripts(t *testing.T) {
	golden.Scripts(t, "testdata/*.txt", func(t *testing.T) func(string) string {
		p := newPlayer(t)
		return func(line string) string {
			p.out.Reset()
			line, more := strings.CutSuffix(line, " &")
			p.command(line)
			if !more {
				p.rounds()
			}
			return p.out.String()
		}
	})
}

// player plays one script. It is the Net of its loop, and names what is on it.
type player struct {
	t       testing.TB
	loop    *play.Loop
	out     strings.Builder // effects of the directive that is being played
	nodes   []*topology.Node
	clients map[string]uint32
	client  map[uint32]string
	conns   map[string]worker.ConnID
	conn    map[worker.ConnID]string
	asked   map[worker.ConnID]*play.Subscriptions
	slow    map[string]bool // connections and clients that take no bytes by themselves
	room    map[string]int  // how many they take now
	reports []string
	closed  [session.CloseReasons]uint64
	epoch   uint64
	settled uint64
	view    *topology.View
	long    int    // workers that await a script
	cursor  string // the last that a client was given
	tells   bool   // what is acknowledged is told
	users   *access.Users
	denials access.Log
	wrong   map[string]int // passwords, by user: every second one has further ones wait for delay longer
	delay   time.Duration
	audits  bool
	slower  time.Duration
	mute    bool // servers do not do CLIENT UNBLOCK
	rates   playedRates
	conf    *worker.Config
	unsaid  []policy.Verification
	proofs  proofs
	reads   [freshness.OnPrimaryReasons]uint64 // as they were reported last
}

func newPlayer(t testing.TB) *player {
	return &player{
		t: t, clients: map[string]uint32{}, client: map[uint32]string{}, conns: map[string]worker.ConnID{},
		conn: map[worker.ConnID]string{}, slow: map[string]bool{}, room: map[string]int{},
		asked: map[worker.ConnID]*play.Subscriptions{}, users: access.WithoutPassword(),
		wrong: map[string]int{}, proofs: newProofs(),
	}
}

// start makes the worker. Settings: reads=prefer-replica|replica, password, hold=2s|auto|off|dry-run, listener=(the
// same), facade=cluster|replica|sentinel (of that listener), sessions=N, bytes=N, private=N, lost=close|error (blocking
// pops), output=BYTES, push=BYTES, soft-output=BYTES:2s, soft-push=BYTES:2s, memory=BYTES (of all clients), gather=N,
// close-on-gap, auth=1s, idle=1s, silent=250ms, allow=NAME,...; acked to be told of acknowledged writes; no-unblock
// where servers do not do CLIENT UNBLOCK; audit for the audit log;
// slow=100ms is from when on requests are slow; pass where the servers know the users, users=N of them at most;
// guesses=1s is how much longer attempts to authenticate wait after each two wrong passwords;
// rate=USER:COMMANDS:..., see playedRates; terms=USER:HOLD:..., see userTerms;
// acks=1:500ms|majority|all is how many replicas confirm writes, listener-acks the same of the listener;
// consistency=gateway|bounded|strong, max-lag=500ms|BYTES, hedge=p99|5ms.
func (p *player) start(words []string) {
	conf := p.configure(words)
	p.play(*conf)
}

// configure sets the configuration. The worker sees it in its next round.
func (p *player) configure(words []string) *worker.Config {
	hold := session.Hold{Mode: session.HoldFor, Window: 2 * time.Second}
	conf := worker.Config{
		Services: []worker.Service{{Name: "main", Hold: hold}}, Limits: resp.DefaultLimits(),
		QueryBytesMax: 64 << 20, OutputBytesMax: 64 << 20, Seed: 1,
	}
	for _, word := range words {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "reads":
			conf.Services[0].Reading.From = reads[value]
		case "consistency":
			conf.Services[0].Reading.Consistency = consistencies[value]
		case "max-lag":
			conf.Services[0].Reading.Lag = lagSetting(value)
		case "hedge":
			conf.Services[0].Hedge.P99 = value == "p99"
			conf.Services[0].Hedge.After, _ = time.ParseDuration(value)
		case "acks":
			conf.Services[0].Acks = acksSetting(value)
		case "listener-acks": // of the listener above
			conf.Listeners[0].Acks = acksSetting(value)
		case "password":
			p.users = access.WithPassword("secret")
		case "hold":
			conf.Services[0].Hold = holdSetting(value)
		case "listener": // clients called d... come through it
			conf.Listeners = []worker.Listener{{Hold: holdSetting(value)}}
		case "facade":
			conf.Listeners = []worker.Listener{{Hold: conf.Services[0].Hold, Role: faceSetting(value)}}
		case "idle":
			conf.IdleMax, _ = time.ParseDuration(value)
		case "sessions":
			conf.HoldSessionsMax, _ = strconv.Atoi(value)
		case "private":
			conf.DedicatedMax, _ = strconv.Atoi(value)
		case "lost":
			conf.Services[0].BlockingLost = blockingLost[value]
		case "bytes":
			conf.HoldBytesMax, _ = strconv.Atoi(value)
		case "silent":
			conf.Services[0].SilentAfter, _ = time.ParseDuration(value)
		case "auth":
			conf.AuthMax, _ = time.ParseDuration(value)
		case "acked":
			p.tells = true
		case "push":
			conf.PushBytesMax, _ = strconv.Atoi(value)
		case "gather":
			conf.GatherFrom, _ = strconv.Atoi(value)
		case "close-on-gap":
			conf.Services[0].CloseOnGap = true
		case "allow":
			conf.Services[0].Allowed = map[string]bool{}
			for name := range strings.SplitSeq(value, ",") {
				conf.Services[0].Allowed[name] = true
			}
		case "pass":
			conf.Services[0].Pass, p.users = true, access.OfServers()
		case "users":
			conf.UsersMax, _ = strconv.Atoi(value)
		case "audit":
			p.audits = true
		case "slow":
			p.slower, _ = time.ParseDuration(value)
			conf.SlowerThan = p.slower
		case "guesses":
			p.delay, _ = time.ParseDuration(value)
		case "rate":
			p.rates.add(value)
		case "terms":
			name, u := userTerms(value)
			if conf.Services[0].Users == nil {
				conf.Services[0].Users = map[string]worker.UserTerms{}
			}
			conf.Services[0].Users[name] = u
		case "no-unblock":
			p.mute = true
		case "soft-output":
			conf.OutputSoft = softLimit(value)
		case "soft-push":
			conf.PushSoft = softLimit(value)
		case "memory":
			conf.ClientMemory.Max, _ = strconv.Atoi(value)
		case "output":
			conf.OutputBytesMax, _ = strconv.Atoi(value)
		default:
			p.t.Fatalf("no setting is called %q", word)
		}
	}
	p.conf = &conf
	return p.conf
}

// play makes the worker.
func (p *player) play(conf worker.Config) {
	env := worker.Env{
		Config: func() *worker.Config { return p.conf },
		View: func(int) *topology.View {
			p.proofs.publish(p.view)
			return p.view
		},
		Users:         func(int) *access.Users { return p.users },
		Denied:        func(_ int, e access.Entry) { p.denials.Add(e) },
		Denials:       func(int) []access.Entry { return p.denials.Entries() },
		ForgetDenials: func(int) { p.denials.Reset() },
		AuthDelay: func(_ int, _, user string) time.Duration {
			return time.Duration(p.wrong[user]/2) * p.delay
		},
		AuthFailed: func(_ int, _, user string) { p.wrong[user]++ },
		Report: func(_ int, r topology.Report) {
			text := fmt.Sprintf("reported: %v of %s", r.Kind, p.nodes[r.Node].Addr[:1])
			if r.Kind == topology.Moved {
				text += fmt.Sprintf(", slot %d at %s", r.Slot, r.Addr)
			}
			p.reports = append(p.reports, text)
		},
		Settled: func(_ int, epoch uint64) { p.settle(epoch) },
		Acked: func(_ int, node topology.NodeID, n int) {
			if p.tells {
				p.reports = append(p.reports, fmt.Sprintf("acknowledged: %d of %s", n, p.nodes[node].Addr[:1]))
			}
		},
		Gap: func(_ int, g pubsub.Gap) {
			p.reports = append(p.reports, fmt.Sprintf("gap: %v, %d topics, %d listeners", g.For, g.Topics, g.Listeners))
		},
		Cut: func(_ int, c sessions.Cut) {
			p.reports = append(p.reports, strings.Replace(fmt.Sprintf("cut: %+v", c), " User:}", "}", 1))
		},
		Unblock: func(_ int, addr string, client int64) {
			p.reports = append(p.reports, fmt.Sprintf("to unblock: connection %d of %s", client, addr[:1]))
		},
		Verify: p.verify,
		LongScripts: func(_, add int) int {
			if p.long += add; add != 0 {
				p.reports = append(p.reports, fmt.Sprintf("long scripts: %d", p.long))
			}
			return p.long
		},
	}
	if conf.Services[0].Reading.Consistency == session.Bounded {
		env.WallClock = func() time.Time { return time.Time{}.Add(p.loop.Now) }
	}
	env.Rates = p.rates.env(p)
	if p.audits {
		env.Audit = p.audited
	}
	if p.slower > 0 {
		env.Slow = p.slowNoted
	}
	conf.Services[0].Fresh = p.proofs.fresh
	p.loop = play.New(conf, env, p, p.t.Fatalf)
}

// audited reports an entry of the audit log.
func (p *player) audited(e policy.Event) {
	text := fmt.Sprintf("audit: %s %s of %s", e.Event, e.Command, e.User)
	if len(e.Keys) > 0 {
		text += fmt.Sprintf(", keys %q", e.Keys)
	}
	if e.Reason != "" {
		text += ", for the " + e.Reason + " " + e.Object
	}
	p.reports = append(p.reports, text)
}

// slowNoted reports a request that took long.
func (p *player) slowNoted(_ int, e slowlog.Entry) {
	text := fmt.Sprintf("slow: %q of %s took %v: server %v, hold %v", e.Args, e.Command, e.Took.Round(time.Millisecond),
		e.Server.Round(time.Millisecond), e.Hold.Round(time.Millisecond))
	if e.Acks > 0 {
		text += fmt.Sprintf(", acks %v", e.Acks.Round(time.Millisecond))
	}
	text += fmt.Sprintf("; %d of %d keys, %d bytes, reply of %d", len(e.Keys), e.KeysCount, e.RequestBytes, e.ReplyBytes)
	p.reports = append(p.reports, fmt.Sprintf("%s; %s %q at %q", text, e.Client, e.Name, e.Node))
}

// faceSetting is a listener at gate:6380, which knows of others.
func faceSetting(kind string) *facade.Role {
	kinds := map[string]facade.Kind{"cluster": facade.Cluster, "replica": facade.Replica, "sentinel": facade.Sentinel}
	primary, self := facade.Address{Host: "gate", Port: 6379}, facade.Address{Host: "gate", Port: 6380}
	return &facade.Role{Kind: kinds[kind], Self: self, Primary: primary,
		Masters: []facade.Master{{Name: "main", Addr: primary}}}
}

// settle is told of where a view leaves a primary; elsewhere it is looked at only.
func (p *player) settle(epoch uint64) {
	if p.view == nil || epoch != p.view.Epoch || epoch <= p.settled {
		p.t.Fatalf("settled %d, after %d, under %+v", epoch, p.settled, p.view)
	}
	p.settled = epoch
	for i := range p.view.Shards {
		if p.view.Shards[i].Demoted != nil {
			p.reports = append(p.reports, fmt.Sprintf("settled: %d", epoch))
			return
		}
	}
}

// What words of scripts mean.
var (
	reads        = map[string]session.Reads{"prefer-replica": session.PreferReplica, "replica": session.OnlyReplica}
	blockingLost = map[string]sessions.BlockingLost{"close": sessions.CloseClient, "error": sessions.AnswerUncertain}
	holdModes    = map[string]session.HoldMode{
		"auto": session.HoldAuto, "off": session.HoldOff, "dry-run": session.HoldDryRun,
	}
)

func holdSetting(value string) session.Hold {
	if mode, ok := holdModes[value]; ok {
		return session.Hold{Mode: mode}
	}
	window, _ := time.ParseDuration(value)
	return session.Hold{Mode: session.HoldFor, Window: window}
}

// acksSetting reads LEVEL[:TIMEOUT].
func acksSetting(value string) acks.Terms {
	level, timeout, _ := strings.Cut(value, ":")
	l, err := acks.Parse(level)
	if err != nil {
		panic(err)
	}
	d, _ := time.ParseDuration(timeout)
	return acks.Terms{Level: l, Timeout: d}
}

var repeated = regexp.MustCompile(`\{\d+\}`)

// expand gives the bytes that a script means.
func expand(text string) []byte {
	text = strings.NewReplacer(`\r`, "\r", `\n`, "\n").Replace(text)
	return []byte(repeated.ReplaceAllStringFunc(text, func(s string) string {
		n, _ := strconv.Atoi(s[1 : len(s)-1])
		return strings.Repeat("x", n)
	}))
}

// show is the opposite of expand.
func show(b []byte) string {
	const many = 10
	var text strings.Builder
	for len(b) > 0 {
		n := len(b) - len(bytes.TrimLeft(b, "x"))
		if n >= many {
			fmt.Fprintf(&text, "{%d}", n)
		} else {
			n = max(n, 1)
			text.Write(b[:n])
		}
		b = b[n:]
	}
	return strings.NewReplacer("\r", `\r`, "\n", `\n`).Replace(text.String())
}

// coveredBy reads "b+": the name of a primary, and the former one that it covers: the one that the view so far has
// leave for it, or in that place; or the one that it already covers.
func (p *player) coveredBy(text string, place int) (primary string, former *topology.Node) {
	primary, covers := strings.CutSuffix(text, "+")
	if !covers {
		return primary, nil
	}
	n := p.node(strings.TrimSuffix(primary, "*"))
	for i := range p.view.Shards {
		switch sh := &p.view.Shards[i]; n {
		case sh.Successor:
			return primary, sh.Demoted
		case sh.Primary:
			return primary, sh.Covers
		}
	}
	return primary, p.view.Shards[min(place, len(p.view.Shards)-1)].Demoted
}

// busy has a node run a script, or not.
func (p *player) busy(n *topology.Node, busy bool) *topology.Node {
	if busy != (n.Busy != "") {
		now := *n
		if now.Busy = ""; busy {
			now.Busy = "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
		}
		p.nodes[n.ID], n = &now, &now
	}
	return n
}

// softLimit reads BYTES:DURATION.
func softLimit(text string) (l sessions.SoftLimit) {
	bytes, window, _ := strings.Cut(text, ":")
	l.Bytes, _ = strconv.Atoi(bytes)
	l.For, _ = time.ParseDuration(window)
	return l
}
