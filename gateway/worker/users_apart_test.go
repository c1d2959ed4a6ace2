package worker_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"evergate/gateway/access"
	"evergate/gateway/policy"
	"evergate/gateway/resp"
	"evergate/gateway/session"
	"evergate/gateway/upstream"
	"evergate/gateway/worker"
	"evergate/testenv/play"
	"evergate/topology"
)

// TestUsersAreKeptApart has clients become one user after the other where the servers know them, while connections,
// views and clients come and go in any order. All that a client sends names the user that it is then: no connection of
// another user may ever carry it, nor may a client be sent what names a user that it never was.
func TestUsersAreKeptApart(t *testing.T) {
	views := fuzzViews(t)
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 2))
		in := make([]byte, 20+3*seed)
		for at := range in {
			in[at] = byte(random.Uint32())
		}
		z := newApart(t, views, in)
		z.seed = seed
		for len(z.in) > 0 {
			z.act(z.byte())
			z.answersRise()
		}
		z.settle()
		z.answersRise()
	}
}

// apartUsers are the users; the first one is that of clients without credentials.
var apartUsers = [...]string{"default", "alice", "bob", "carol"}

// apart is a worker in the hands of TestUsersAreKeptApart. It is the Net of its loop.
type apart struct {
	*play.Loop
	t       *testing.T
	seed    uint64
	in      []byte
	views   []*topology.View
	epoch   uint64
	clients map[uint32]*apartClient
	servers map[worker.ConnID]*apartServer
	asked   []policy.Verification
	settled uint64
	// answers are what the servers had answered when answersRise last looked.
	answers map[topology.NodeID]uint64
}

// apartClient is a client: who it is when all that it has sent is done, and who it ever was.
type apartClient struct {
	user    string
	was     []string
	listens bool
}

// apartServer is a server's end of a connection: what was looked at, and what is to be answered.
type apartServer struct {
	sent, asked play.Requests
	topics      play.Subscriptions
	multi       int // commands of the transaction under way; -1 without one
}

func newApart(t *testing.T, views []*topology.View, in []byte) *apart {
	z := &apart{t: t, in: in, views: views, clients: map[uint32]*apartClient{}, servers: map[worker.ConnID]*apartServer{}}
	users, hold := access.OfServers(), session.Hold{Mode: session.HoldFor, Window: time.Second}
	z.Loop = play.New(worker.Config{Services: []worker.Service{
		{Name: "main", Reading: session.Reading{From: session.Reads(z.byte() % 2)}, Hold: hold, Pass: true}},
		DedicatedMax: fuzzPrivate,
	}, worker.Env{
		View:   func(int) *topology.View { return z.View },
		Users:  func(int) *access.Users { return users },
		Verify: func(v policy.Verification) { z.asked = append(z.asked, v) },
		Settled: func(_ int, epoch uint64) {
			if epoch <= z.settled || epoch > z.epoch {
				t.Fatalf("seed %d: settled %d after %d, of %d", z.seed, epoch, z.settled, z.epoch)
			}
			z.settled = epoch
		},
	}, z, func(format string, args ...any) { t.Fatalf("seed %d: "+format, append([]any{z.seed}, args...)...) })
	z.see(views[0])
	z.Tick(z.Now)
	return z
}

func (z *apart) byte() byte {
	if len(z.in) == 0 {
		return 0
	}
	b := z.in[0]
	z.in = z.in[1:]
	return b
}

func (z *apart) see(v *topology.View) {
	now := *v
	z.epoch++
	now.Epoch = z.epoch
	z.View = &now
}

func (z *apart) act(op byte) {
	switch op % 12 {
	case 0:
		if len(z.clients) < 8 {
			z.clients[z.Open(0).ID] = &apartClient{user: apartUsers[0], was: apartUsers[:1]}
		}
	case 1, 2, 3, 4:
		if id, ok := z.anyClient(); ok && !z.Client(id).Stopped {
			z.FromClient(id, z.clients[id].next(z.byte()))
		}
	case 5:
		if id, ok := z.anyClient(); ok && op>>4 < 4 {
			delete(z.clients, id)
			z.Leave(id)
		}
	case 6, 7:
		if c := z.AnyConn(int(z.byte()), false); c != nil {
			z.dialled(c, op>>4)
		}
	case 8:
		if c := z.AnyConn(int(z.byte()), true); c != nil && op>>4 < 4 {
			z.Lose(c.Conn, worker.PeerClosed)
		}
	case 9:
		z.see(z.views[int(z.byte())%len(z.views)])
	case 10:
		if c := z.AnyConn(int(z.byte()), true); c != nil {
			z.serve(c, 1)
		}
	default:
		z.answer(int(op >> 4))
		if pause := time.Duration(op>>4) * 10 * time.Millisecond; op>>4 < 14 {
			z.Tick(z.Now + pause)
		} else { // users that nobody needs are dropped
			z.Tick(z.Now + upstream.IdleAfter + pause)
		}
	}
	z.Round()
	z.Tick(z.Now + time.Microsecond)
}

func (z *apart) anyClient() (uint32, bool) {
	start := uint32(z.byte())
	for i := range uint32(16) {
		if id := (start + i) % 16; z.clients[id] != nil {
			return id, true
		}
	}
	return 0, false
}

// next is what a client sends next: perhaps it becomes another user, and then a command that names who it is.
func (c *apartClient) next(op byte) []byte {
	var b []byte
	other := apartUsers[1+int(op>>6)%3]
	switch op % 16 {
	case 0, 1, 2:
		if c.listens {
			break
		}
		words := [][]string{{"AUTH", other, other}, {"HELLO", "3", "AUTH", other, other},
			{"HELLO", "2", "AUTH", other, other}}
		b = resp.AppendCommandStrings(b, words[op%16]...)
		c.becomes(other)
	case 3:
		b = resp.AppendCommandStrings(b, "AUTH", other, "wrong")
	case 4:
		b = resp.AppendCommandStrings(b, "RESET")
		c.becomes(apartUsers[0])
		c.listens = false
	}
	for _, line := range apartLines[int(op>>2)%len(apartLines)] {
		words := strings.Fields(strings.ReplaceAll(line, "U:", c.user+":"))
		c.listens = c.listens || words[0] == "SUBSCRIBE"
		b = resp.AppendCommandStrings(b, words...)
	}
	return b
}

func (c *apartClient) becomes(user string) {
	c.user = user
	if !slices.Contains(c.was, user) {
		c.was = append(slices.Clone(c.was), user)
	}
}

// apartLines are commands; "U:" stands for the user.
var apartLines = [][]string{
	{"GET U:k"}, {"SET U:k v"}, {"MGET U:a U:b U:c"}, {"MULTI", "SET U:k v", "GET U:k", "EXEC"}, {"WATCH U:k"},
	{"BLPOP U:l 1"}, {"SUBSCRIBE U:c"}, {"EVAL x 1 U:k"}, {"PUBLISH U:c m"}, {"DEL U:a U:b"}, {"GET U:k", "GET U:j"},
	{"WATCH U:k", "MULTI", "GET U:k", "EXEC"}, {"BLMOVE U:{l} U:{l}2 LEFT LEFT 0"}, {"UNSUBSCRIBE"}, {"PING"},
}

// of is the user that a word names; empty for none.
func (z *apart) of(word []byte) string {
	user, _, named := strings.Cut(string(word), ":")
	if !named || !slices.Contains(apartUsers[:], user) {
		return ""
	}
	return user
}

// answer has servers answer what they were asked about clients: right is whoever has the own name as password.
func (z *apart) answer(n int) {
	for i := range z.asked[:min(n, len(z.asked))] {
		v, wrong := &z.asked[i], []byte(nil)
		if words := v.As.Auth(); len(words) > 0 && words[1] != words[2] {
			wrong = []byte("-WRONGPASS no\r\n")
		}
		worker.Verified(z.Worker, v, wrong)
		z.Check()
	}
	z.asked = z.asked[min(n, len(z.asked)):]
}

func (z *apart) dialled(c *play.Conn, how byte) {
	switch how {
	case 0:
		z.Lose(c.Conn, worker.DialFailed)
	case 1:
		z.Lose(c.Conn, worker.NotAuthenticated)
	default:
		z.Connected(c.Conn, upstream.Greeting{Client: int64(c.Conn) + 1, RunID: c.RunID})
	}
}

// serve has a server answer some of what it was sent on a connection.
func (z *apart) serve(c *play.Conn, most int) {
	s := z.servers[c.Conn]
	for ; most > 0 && z.Conn(c.Conn) == c && c.Open; most-- {
		words := s.asked.Front()
		if words == nil {
			return
		}
		reply := s.topics.Execute()
		if !listens(words) {
			reply = s.reply(words)
		}
		s.asked.Pop()
		z.FromServer(c.Conn, reply)
	}
}

// reply is a server's reply, which names the user whose key was asked for.
func (s *apartServer) reply(words [][]byte) []byte {
	verb := string(words[0])
	switch {
	case verb == "MULTI":
		s.multi = 0
		return resp.OK
	case verb == "EXEC":
		b := resp.AppendArray(nil, s.multi)
		for range s.multi {
			b = append(b, resp.OK...)
		}
		s.multi = -1
		return b
	case s.multi >= 0:
		s.multi++
		return []byte("+QUEUED\r\n")
	case verb == "GET", verb == "BLMOVE":
		return resp.AppendBulk(nil, words[1])
	case verb == "BLPOP":
		return resp.AppendBulk(resp.AppendBulk(resp.AppendArray(nil, 2), words[1]), words[1])
	case verb == "MGET":
		b := resp.AppendArray(nil, len(words)-1)
		for _, key := range words[1:] {
			b = resp.AppendBulk(b, key)
		}
		return b
	case verb == "DEL", verb == "PUBLISH":
		return resp.AppendInt(nil, 0)
	}
	return resp.OK
}

// Dial looks that each connection is a user's. It implements play.Net, as the next ones do.
func (z *apart) Dial(c *play.Conn) {
	if c.As == nil {
		z.t.Fatalf("seed %d: a connection to %s is nobody's", z.seed, c.Addr)
	}
	z.servers[c.Conn] = &apartServer{multi: -1}
}

// ToServer looks that a connection carries what is its user's.
func (z *apart) ToServer(c *play.Conn, b []byte) int {
	s := z.servers[c.Conn]
	s.sent.Add(b)
	s.asked.Add(b)
	s.topics.Add(b)
	for words := s.sent.Front(); words != nil; words = s.sent.Front() {
		for _, word := range words {
			if user := z.of(word); user != "" && user != c.As.User() {
				z.t.Fatalf("seed %d: %q is sent on a connection of %s", z.seed, words, c.As.User())
			}
		}
		s.sent.Pop()
	}
	return len(b)
}

// ToClient looks that a client is sent what it may have asked for.
func (z *apart) ToClient(c *play.Client, b []byte) int {
	for _, user := range apartUsers {
		if client := z.clients[c.ID]; strings.Contains(string(b), "\n"+user+":") && !slices.Contains(client.was, user) {
			z.t.Fatalf("seed %d: a client that was %q is sent %q", z.seed, client.was, b)
		}
	}
	return len(b)
}

func (z *apart) Reading(worker.Reading) {}

func (z *apart) Closed(worker.ConnID, *play.Conn) {}

func (z *apart) ClientClosed(c *play.Client) { delete(z.clients, c.ID) }

// settle has everybody answer until nobody waits, and then looks that nothing is kept of users whose clients left.
func (z *apart) settle() {
	z.see(z.views[0])
	var err error
	for i := 0; i < 200 && (i < 5 || err != nil); i++ {
		z.answer(len(z.asked))
		for id := range worker.ConnID(z.Conns()) {
			c := z.Conn(id)
			if c != nil && !c.Open {
				z.dialled(c, 2)
			}
			if c != nil {
				z.serve(c, 1000)
			}
		}
		z.Round()
		z.Tick(z.Now + 20*time.Millisecond)
		err = worker.CheckRest(z.Worker)
	}
	if err != nil {
		z.t.Fatalf("seed %d: %v", z.seed, err)
	}
	if z.Rest(); z.settled != z.epoch {
		z.t.Fatalf("seed %d: view %d was never left behind, only %d", z.seed, z.epoch, z.settled)
	}
	for id := range z.clients {
		z.Leave(id)
	}
	for range 5 {
		z.Rest()
		z.Tick(z.Now + 30*time.Second)
	}
	z.Rest()
	if n := z.Worker.Users(); n > 0 {
		z.t.Fatalf("seed %d: %d users are kept, and all clients have left", z.seed, n)
	}
	for id := range worker.ConnID(z.Conns()) {
		if c := z.Conn(id); c != nil {
			z.t.Fatalf("seed %d: a connection of %v is kept, and all clients have left", z.seed, c.As)
		}
	}
}

// answersRise fails the test if servers have answered fewer requests than before: connections of users end, and what is
// known of the users does.
func (z *apart) answersRise() {
	now := map[topology.NodeID]uint64{}
	for id, at := range z.Worker.Snapshot().Services[0].Nodes {
		now[id] = at.Requests
	}
	for id, before := range z.answers {
		if now[id] < before {
			z.t.Fatalf("seed %d: node %d has answered %d requests after %d", z.seed, id, now[id], before)
		}
	}
	z.answers = now
}
