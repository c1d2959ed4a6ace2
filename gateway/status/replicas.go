package status

import (
	"cmp"
	"math"
	"slices"

	"evergate/gateway/api"
	"evergate/gateway/freshness"
	"evergate/gateway/hedge"
	"evergate/gateway/latency"
	"evergate/gateway/upstream"
	"evergate/gateway/worker"
)

// onPrimaryTexts say to people why a primary served a read.
var onPrimaryTexts = func() (texts [freshness.OnPrimaryReasons]string) {
	for why, text := range map[freshness.Reason]string{
		freshness.OtherView:     "the topology was changing",
		freshness.InFlight:      "a write to the key was in flight",
		freshness.AllInFlight:   "a write to unknown or all keys was in flight",
		freshness.NotReached:    "the replica was not seen to have the last write to the key",
		freshness.Unproven:      "nothing was known yet of the replica's data",
		freshness.SlotElsewhere: "the slot was moving",
		freshness.TooOld:        "the replica was not seen to be within max-lag",
		freshness.TooFarBehind:  "the replica lagged by more bytes than max-lag",
	} {
		texts[why-1] = text
	}
	texts[freshness.KeysUnknown] = "the keys were unknown, or all keys"
	texts[freshness.Pipelined] = "earlier requests of the client were in flight to the primary"
	texts[freshness.NoneServes] = "no replica may serve reads"
	texts[freshness.NotConnected] = "no connection to the replica was usable"
	texts[freshness.LeftOut] = "the replica was left out: it answered slowly, or with errors"
	return texts
}()

// ReplicaReads returns how reads were served that may go to replicas. earlier is the service some seconds ago.
func ReplicaReads(now, earlier *worker.OfService) api.ReplicaReads {
	r := api.ReplicaReads{OnReplicas: now.Requests[upstream.Replica], Reasons: []api.ReadReason{}}
	replicas, primaries := since(r.OnReplicas, earlier.Requests[upstream.Replica]), uint64(0)
	for i, n := range now.OnPrimary {
		if n == 0 {
			continue
		}
		recent := since(n, earlier.OnPrimary[i])
		r.OnPrimaries, primaries = r.OnPrimaries+n, primaries+recent
		r.Reasons = append(r.Reasons, api.ReadReason{Reason: freshness.OnPrimary(i).String(), Text: onPrimaryTexts[i],
			Reads: n, Recent: recent})
	}
	slices.SortStableFunc(r.Reasons, func(a, b api.ReadReason) int {
		return cmp.Or(cmp.Compare(b.Recent, a.Recent), cmp.Compare(b.Reads, a.Reads))
	})
	r.Share = shareOf(replicas, primaries)
	return r
}

// shareOf is the part of reads that replicas got; nil without a read.
func shareOf(replicas, primaries uint64) *float64 {
	if replicas+primaries == 0 {
		return nil
	}
	share := math.Round(float64(replicas)/float64(replicas+primaries)*1e4) / 1e4
	return &share
}

// HedgesOf returns which reads were sent to a second replica, without the setting. earlier is the service some seconds
// ago.
func HedgesOf(now, earlier *worker.OfService, workers int) api.Hedges {
	is, was := &now.Hedges, &earlier.Hedges
	recent := since(now.Requests[upstream.Replica], earlier.Requests[upstream.Replica])
	return api.Hedges{Sent: is.Sent, Won: is.Won, Lost: is.Lost, Denied: is.Denied, NoReplica: is.NoReplica,
		SentRecent: since(is.Sent, was.Sent), DeniedRecent: since(is.Denied, was.Denied),
		Budget: uint64(workers)*hedge.Always + recent*hedge.Percent/100}
}

// since is by how much a counter has risen: not at all where it has lost parts.
func since(now, earlier uint64) uint64 { return now - min(now, earlier) }

// AcksOf returns what replicas confirmed, without the settings. earlier is the service some seconds ago.
func AcksOf(now, earlier *worker.OfService) api.Acks {
	is, was := &now.Acks, earlier.Acks.Waits
	a := api.Acks{Confirmed: is.Confirmed, Unconfirmed: is.Unconfirmed, Rejected: is.Lacking}
	if is.Waits == nil {
		return a
	}
	if was == nil {
		was = &latency.Histogram{}
	}
	recent := is.Waits.Since(was)
	a.Waits, a.P50, a.P99 = is.Waits.Total(), quantile(&recent, 0.5), quantile(&recent, 0.99)
	return a
}
