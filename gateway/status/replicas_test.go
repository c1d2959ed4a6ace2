package status

import (
	"testing"
	"time"

	"evergate/gateway/api"
	"evergate/gateway/freshness"
	"evergate/gateway/latency"
	"evergate/gateway/sessions"
	"evergate/gateway/upstream"
	"evergate/gateway/worker"
)

func TestEachReasonHasWords(t *testing.T) {
	for why, text := range onPrimaryTexts {
		if text == "" {
			t.Errorf("%v has no words", freshness.OnPrimary(why))
		}
	}
}

// TestShareIsOfTheLastSeconds: reads of before count in the totals alone.
func TestShareIsOfTheLastSeconds(t *testing.T) {
	var earlier, now worker.OfService
	earlier.Requests[upstream.Replica], now.Requests[upstream.Replica] = 500, 1400
	earlier.OnPrimary[freshness.NoneServes], now.OnPrimary[freshness.NoneServes] = 900, 900
	now.OnPrimary[freshness.Pipelined], now.OnPrimary[freshness.LeftOut] = 30, 70
	r := ReplicaReads(&now, &earlier)
	if r.OnReplicas != 1400 || r.OnPrimaries != 1000 || r.Share == nil || *r.Share != 0.9 {
		t.Errorf("%+v", r)
	}
	want := []string{"left-out", "pipelined", "no-replica"}
	for i, reason := range r.Reasons {
		if len(r.Reasons) != len(want) || reason.Reason != want[i] {
			t.Fatalf("reasons: %+v, want %v", r.Reasons, want)
		}
	}
	if last := r.Reasons[2]; last.Reads != 900 || last.Recent != 0 {
		t.Errorf("%+v", last)
	}
	if r := ReplicaReads(&now, &now); r.Share != nil {
		t.Errorf("no read, and a share of %v", *r.Share)
	}
}

func TestAcksOfTheLastSeconds(t *testing.T) {
	was, is := &latency.Histogram{}, &latency.Histogram{}
	for range 100 {
		was.Add(5_000_000)
	}
	is.Merge(was)
	is.Add(500)
	var earlier, now worker.OfService
	earlier.Acks.Waits = was
	now.Acks = sessions.AckCounts{Confirmed: 7, Unconfirmed: 2, Lacking: 1, Waits: is}
	a := AcksOf(&now, &earlier)
	if a.Confirmed != 7 || a.Unconfirmed != 2 || a.Rejected != 1 || a.Waits != 101 || a.P99 == nil || *a.P99 > 600 {
		t.Errorf("%+v", a)
	}
	if a := AcksOf(&worker.OfService{}, &worker.OfService{}); a.P50 != nil || a.Asked() {
		t.Errorf("nothing was confirmed, and it is %+v", a)
	}
}

// TestSampleOfReplicas: the sample of a second has what replicas did in it, and nothing of the time before.
func TestSampleOfReplicas(t *testing.T) {
	before, after := &latency.Histogram{}, &latency.Histogram{}
	before.Add(5_000_000)
	after.Merge(before)
	after.Add(500)
	var was, now worker.OfService
	was.Requests[upstream.Replica], now.Requests[upstream.Replica] = 500, 800
	was.OnPrimary[freshness.NoneServes], now.OnPrimary[freshness.NoneServes] = 900, 1000
	was.Acks.Waits, now.Acks.Waits = before, after
	p, _ := PointOf("a", &now, &was, &latency.Histogram{}, time.Second)
	if p.Share == nil || *p.Share != 0.75 || p.AckP99 == nil || *p.AckP99 > 600 || p.AckP50 == nil {
		t.Errorf("%v of the reads, waits of %v and %v", p.Share, p.AckP50, p.AckP99)
	}
	p, _ = PointOf("a", &now, &now, &latency.Histogram{}, time.Second)
	if p.Share != nil || p.AckP50 != nil || p.AckP99 != nil {
		t.Errorf("nothing happened, and it is %+v", p)
	}
}

// TestHedgesHaveABudget: it is a share of the last seconds' reads on replicas, and what each worker may do in any case.
func TestHedgesHaveABudget(t *testing.T) {
	var earlier, now worker.OfService
	earlier.Requests[upstream.Replica], now.Requests[upstream.Replica] = 1000, 3000
	earlier.Hedges = sessions.HedgeCounts{Sent: 40, Won: 10, Lost: 30, Denied: 5}
	now.Hedges = sessions.HedgeCounts{Sent: 100, Won: 45, Lost: 54, Denied: 7, NoReplica: 3}
	got := HedgesOf(&now, &earlier, 2)
	want := api.Hedges{Sent: 100, Won: 45, Lost: 54, Denied: 7, NoReplica: 3, SentRecent: 60, DeniedRecent: 2, Budget: 120}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if !got.Shown() || (&api.Hedges{After: "off"}).Shown() || !(&api.Hedges{After: "p99"}).Shown() {
		t.Error("hedges are shown where there are none, or the reverse")
	}
}
