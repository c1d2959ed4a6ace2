package gateway

import (
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"evergate/gateway/config"
	"evergate/gateway/session"
	"evergate/topology"
)

// evicting is a view of a service whose primary evicts in this way; nil: it has none.
func evicting(policy *string) *topology.View {
	v := &topology.View{Shards: []topology.Shard{{}}}
	if policy != nil {
		v.Shards[0].Primary = &topology.Node{Addr: "10.0.0.1:6379", Eviction: *policy}
	}
	return v
}

// TestReadsFollowEviction: with the reads "auto" the primary serves them while it evicts keys that it has not served
// for long. The log says so once.
func TestReadsFollowEviction(t *testing.T) {
	log := &logged{}
	c := behindOne()
	c.Services[0].Listen = []string{"127.0.0.1:0", "127.0.0.1:1"}
	c.Services[0].ListenFacade = map[string]config.Facade{"127.0.0.1:1": config.FacadeReplica}
	c.Services[0].Listen = append(c.Services[0].Listen, "127.0.0.1:2")
	c.Services[0].ListenReads = map[string]config.ReadPolicy{"127.0.0.1:2": config.ReadPreferReplica}
	c.Services[0].UserSettings = map[string]config.UserSettings{"default": {Reads: config.ReadPreferReplica}}
	g, err := New(c, hclog.New(&hclog.LoggerOptions{Output: log, Level: hclog.Info}))
	if err != nil {
		t.Fatal(err)
	}
	s := g.roster.Load().services[0]
	see := func(policy *string) {
		noteEviction(g, s, evicting(policy))
		g.running.Wait()
	}
	lru, none, unknown := "allkeys-lru", "noeviction", ""
	for i, step := range []struct {
		policy                  *string
		want                    session.Reads
		toPrimaries, toReplicas int
	}{
		{nil, session.PreferReplica, 0, 0},
		{&none, session.PreferReplica, 0, 0},
		{&lru, session.FromPrimary, 1, 0},
		{&lru, session.FromPrimary, 1, 0},
		{nil, session.FromPrimary, 1, 0},      // a failover
		{&unknown, session.FromPrimary, 1, 0}, // a new primary
		{&none, session.PreferReplica, 1, 1},
		{&lru, session.FromPrimary, 2, 1},
	} {
		see(step.policy)
		w := g.workers[0].Load()
		if got := w.Services[0].Reading.From; got != step.want {
			t.Errorf("step %d: reads from %s, want %s", i, got, step.want)
		}
		if got := w.Listeners[0].Reading.From; got != step.want {
			t.Errorf("step %d: at the listener from %s, want %s", i, got, step.want)
		}
		if got := w.Listeners[1].Reading.From; got != session.PreferReplica {
			t.Errorf("step %d: at the replica facade from %s", i, got)
		}
		if got := w.Listeners[2].Reading.From; got != session.PreferReplica {
			t.Errorf("step %d: at a listener with reads of its own from %s", i, got)
		}
		if got := *w.Services[0].Users["default"].Reads; got != session.PreferReplica {
			t.Errorf("step %d: a user with a setting reads from %s", i, got)
		}
		toPrimaries := strings.Count(log.String(), "reads go to primaries")
		toReplicas := strings.Count(log.String(), "reads go to replicas again")
		if toPrimaries != step.toPrimaries || toReplicas != step.toReplicas {
			t.Errorf("step %d: reported %d and %d times, want %d and %d", i, toPrimaries, toReplicas, step.toPrimaries,
				step.toReplicas)
		}
	}
}

// TestReadsThatAreSetStay: what the primary evicts changes nothing where the settings say who serves reads.
func TestReadsThatAreSetStay(t *testing.T) {
	log := &logged{}
	c := behindOne()
	c.Services[0].Reads = config.ReadPreferReplica
	g, err := New(c, hclog.New(&hclog.LoggerOptions{Output: log, Level: hclog.Info}))
	if err != nil {
		t.Fatal(err)
	}
	lru := "volatile-lru"
	noteEviction(g, g.roster.Load().services[0], evicting(&lru))
	g.running.Wait()
	if got := g.workers[0].Load().Services[0].Reading.From; got != session.PreferReplica {
		t.Errorf("reads from %s", got)
	}
	if strings.Contains(log.String(), "reads go") {
		t.Errorf("the log says %q", log)
	}
}
