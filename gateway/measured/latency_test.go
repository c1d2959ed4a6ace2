package measured

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"evergate/gateway/admin"
	"evergate/gateway/config"
	"evergate/gateway/latency"
	"evergate/routing"
)

// TestLatencyResetReachesAllServers: it is repeated until all servers have answered, for as long as a request may wait,
// and says so if one has not.
func TestLatencyResetReachesAllServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var attempts int
		answersAt := 3
		conf := config.Default()
		s := NewService(&conf, About{Name: "main",
			Holds: func() []Hold { return []Hold{{Ended: time.Now(), Took: time.Second}} },
			Ask: func(context.Context, []string) ([]Reply, string) {
				if attempts++; attempts < answersAt {
					return []Reply{{Addr: "a:1", Reply: int64(1)}, {Addr: "b:1"}}, "b:1 does not answer: i/o timeout"
				}
				return []Reply{{Addr: "a:1", Reply: int64(0)}, {Addr: "b:1", Reply: int64(2)}, {Addr: "c:1"}}, ""
			}})
		m := New(Env{Service: func(int) *Service { return s }})
		reset := func() string {
			r := admin.Request{Kind: admin.Latency, Command: routing.CmdLatencyReset, Services: []int{0},
				Words: []string{"reset"}, Patience: time.Second}
			return string(m.ServeLatency(context.Background(), &r))
		}
		if got := reset(); got != ":5\r\n" || attempts != 3 {
			t.Errorf("%q after %d attempts", got, attempts)
		}
		answersAt = 1000
		want := "-ERR evergate: LATENCY RESET was not executed on all servers: b:1 does not answer: i/o timeout\r\n"
		if got := reset(); got != want || attempts < 10 {
			t.Errorf("%q after %d attempts", got, attempts)
		}
	})
}

// TestLatencyHistogramWaitsForAllWorkers: the times of a worker that is busy for long are not left out.
func TestLatencyHistogramWaitsForAllWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		part := func() admin.Partial {
			p := admin.Partial{Times: make([]*latency.Histogram, len(routing.Rows())+1)}
			p.Times[0] = &latency.Histogram{}
			p.Times[0].Add(100)
			return p
		}
		conf := config.Default()
		s := NewService(&conf, About{Name: "main"})
		m := New(Env{Service: func(int) *Service { return s },
			Collect: func(*admin.Request) []admin.Partial { return []admin.Partial{part()} },
			Gather: func(_ *admin.Request, done func([]admin.Partial)) {
				time.AfterFunc(3*time.Second, func() { done([]admin.Partial{part(), part()}) })
			}})
		histogram := func(ctx context.Context) string {
			return string(m.ServeLatency(ctx, &admin.Request{Kind: admin.Latency, Services: []int{0},
				Command: routing.CmdLatencyHistogram, Words: []string{"histogram"}}))
		}
		want := "*2\r\n$5\r\nother\r\n*4\r\n$5\r\ncalls\r\n:2\r\n"
		if got := histogram(context.Background()); !strings.HasPrefix(got, want) {
			t.Errorf("%q", got)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if got := histogram(ctx); got != "" {
			t.Errorf("the gateway ends, and the reply is %q", got)
		}
	})
}
