package worker_test

import (
	"bytes"
	"testing"
	"time"

	"evergate/gateway/maintenance"
	"evergate/gateway/worker"
	"evergate/testenv/play"
)

// pushedTo is a Net that counts the clients that are sent a FAILING_OVER, in a round and in all.
type pushedTo struct {
	play.Net
	round, all int
}

func (p *pushedTo) ToClient(_ *play.Client, b []byte) int {
	n := bytes.Count(b, []byte("FAILING_OVER"))
	p.round += n
	p.all += n
	return len(b)
}

// TestNoticesArePaced: a notice to thousands of clients takes many rounds, so that no other client waits for all those
// writes; and none is left out, or gets it twice.
func TestNoticesArePaced(t *testing.T) {
	const clients, most = 1000, 32
	p := newPlayer(t)
	p.command("start hold=10s")
	net := &pushedTo{Net: p}
	l := play.New(worker.Config{}, worker.Env{}, net, t.Fatalf)
	p.setView("plain", []string{"a"})
	l.View = p.view
	for range clients {
		id := l.Open(0).ID
		l.FromClient(id, []byte("HELLO 3\r\nCLIENT MAINT_NOTIFICATIONS ON\r\n"))
	}
	l.Tick(l.Now)
	l.Rest()
	worker.Notify(l.Worker, 0, maintenance.Notice{Kind: maintenance.FailingOver, Seq: 1})
	if left := l.Drain(false); left != clients {
		t.Errorf("%d clients are left after a drain that none of them was told of", left)
	}
	for rounds := 1; net.all < clients; rounds++ {
		if l.Worker.NextTimer() > l.Now+time.Millisecond {
			t.Fatalf("after %d clients the next round is not due", net.all)
		}
		net.round = 0
		l.Tick(max(l.Now, l.Worker.NextTimer()))
		l.Round()
		if net.round > most || rounds > clients {
			t.Fatalf("round %d: %d clients are notified", rounds, net.round)
		}
	}
	l.Tick(l.Now)
	if l.Rest(); net.all != clients {
		t.Errorf("%d clients got %d notices", clients, net.all)
	}
}
