package top

import (
	"cmp"
	"fmt"
	"strings"

	"evergate/gateway/api"
)

// readsReplicas reports whether reads of some clients of a service go to replicas.
func readsReplicas(s *api.Service) bool {
	return s.Reads != "primary" || s.ReplicaReads.OnReplicas+s.ReplicaReads.OnPrimaries > 0
}

// percent is a part of 1: "97%", "99.4%"; "-" for none.
func percent(part *float64) string {
	switch {
	case part == nil:
		return "-"
	case *part > 0.99 && *part < 1:
		return fmt.Sprintf("%.1f%%", 100**part)
	}
	return fmt.Sprintf("%.0f%%", 100**part)
}

// share is the part of reads that replicas got.
func (r *serviceRow) share() span {
	switch {
	case r.service == nil || !readsReplicas(r.service):
		return span{}
	case r.service.ReplicaReads.Share == nil:
		return span{"-", faint}
	}
	return span{percent(r.service.ReplicaReads.Share), plain}
}

// ackWait is how long one of a hundred writes waits for replicas.
func (r *serviceRow) ackWait() span {
	switch {
	case r.service == nil || !r.service.Acks.Asked():
		return span{}
	case r.service.Acks.P99 == nil:
		return span{"-", faint}
	}
	return span{short(r.service.Acks.P99), plain}
}

// byShare and byAckWait order rows by these.
func byShare(a, b *serviceRow) int {
	of := func(r *serviceRow) *float64 {
		if r.service == nil {
			return nil
		}
		return r.service.ReplicaReads.Share
	}
	return compareTimes(of(b), of(a))
}

func byAckWait(a, b *serviceRow) int {
	of := func(r *serviceRow) *float64 {
		if r.service == nil {
			return nil
		}
		return r.service.Acks.P99
	}
	return compareTimes(of(b), of(a))
}

// chartShort and chartLong are how many of the last seconds the chart of the share has, on a terminal of less columns
// than chartLongFrom and of more.
const (
	chartShort    = 8
	chartLong     = 30
	chartLongFrom = 120
)

// served says where the reads of a service went, which of them were sent twice, and what replicas confirmed; nothing
// where there is nothing to say.
func (r *serviceRow) served(columns int) (parts []span) {
	s := r.service
	if s == nil {
		return nil
	}
	if readsReplicas(s) && s.ReplicaReads.Share != nil {
		seconds := chartShort
		if columns >= chartLongFrom {
			seconds = chartLong
		}
		chart := strings.TrimSpace(sparklineOf(r.gw.shares[s.Name], seconds, 1))
		text := strings.TrimSpace("reads " + percent(s.ReplicaReads.Share) + " on replicas " + chart)
		parts = append(parts, span{text, plain})
		if why := reasons(&s.ReplicaReads); why != "" {
			parts = append(parts, span{"primaries: " + why, plain})
		}
	}
	if h := &s.Hedges; h.Shown() {
		text := fmt.Sprintf("hedges %s %s/%s", h.After, number(h.SentRecent), number(h.Budget))
		if ended := h.Won + h.Lost; ended > 0 {
			won := float64(h.Won) / float64(ended)
			text += ", won " + percent(&won)
		}
		parts = append(parts, span{text, plain})
		if h.DeniedRecent > 0 {
			parts = append(parts, span{number(h.DeniedRecent) + " denied", warn})
		}
	}
	if a := &s.Acks; a.Asked() {
		parts = append(parts, span{fmt.Sprintf("acks %s p50 %s p99 %s", a.Level, short(a.P50), short(a.P99)), plain})
		if failed := a.Unconfirmed + a.Rejected; failed > 0 {
			parts = append(parts, span{plural(int(failed), "write") + " failed", warn})
		}
	}
	return parts
}

// reasons are why primaries got reads in the last seconds, with the part of each.
func reasons(reads *api.ReplicaReads) string {
	recent := uint64(0)
	for i := range reads.Reasons {
		recent += reads.Reasons[i].Recent
	}
	var why []string
	for _, reason := range reads.Reasons {
		if reason.Recent > 0 {
			part := float64(reason.Recent) / float64(recent)
			why = append(why, reason.Reason+" "+percent(&part))
		}
	}
	return strings.Join(why, ", ")
}

// servedLines are those of some rows, as many as the width of the screen makes; several: of more than one gateway.
func servedLines(rows []serviceRow, several bool, columns int) (lines []line) {
	for i := range rows {
		parts := rows[i].served(columns)
		if len(parts) == 0 {
			continue
		}
		name := printable(rows[i].service.Name) + ": "
		if several {
			name = printable(rows[i].gw.label) + " " + name
		}
		now, taken := line{{name, faint}}, width(name)
		for k, part := range parts {
			part.text = printable(part.text)
			switch {
			case k == 0:
			case columns > 0 && taken+2+width(part.text) > columns:
				lines = append(lines, now)
				now, taken = line{{"  ", faint}}, 2
			default:
				now, taken = append(now, span{"; ", faint}), taken+2
			}
			now, taken = append(now, part), taken+width(part.text)
		}
		lines = append(lines, now)
	}
	return lines
}

// lagTime is how far a replica was behind, as a time.
func (r *nodeRow) lagTime() span {
	if r.node == nil || r.node.Lag == nil {
		return r.none()
	}
	return ifAny(short(millis(*r.node.Lag)), *r.node.Lag > 0, plain)
}

func byLagTime(a, b *nodeRow) int {
	of := func(r *nodeRow) float64 {
		if r.node == nil || r.node.Lag == nil {
			return -1
		}
		return *r.node.Lag
	}
	return cmp.Compare(of(b), of(a))
}
