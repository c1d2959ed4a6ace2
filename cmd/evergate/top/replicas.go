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

// served is a line on where the reads of a service went, and what replicas confirmed; false where there is nothing to
// say. What is said last is cut first.
func (r *serviceRow) served() (line, bool) {
	s := r.service
	if s == nil {
		return nil, false
	}
	var parts []span
	shown := readsReplicas(s) && s.ReplicaReads.Share != nil
	if shown {
		parts = append(parts, span{percent(s.ReplicaReads.Share) + " of reads on replicas", plain})
	}
	if a := &s.Acks; a.Asked() {
		parts = append(parts, span{fmt.Sprintf("acks %s p50 %s p99 %s", a.Level, short(a.P50), short(a.P99)), plain})
		if failed := a.Unconfirmed + a.Rejected; failed > 0 {
			parts = append(parts, span{plural(int(failed), "write") + " failed", warn})
		}
	}
	if why := reasons(&s.ReplicaReads); shown && why != "" {
		parts = append(parts, span{"on primaries: " + why, plain})
	}
	if len(parts) == 0 {
		return nil, false
	}
	l := line{{printable(s.Name) + ": ", faint}}
	for i, p := range parts {
		p.text = printable(p.text)
		if i > 0 {
			l = append(l, span{"; ", faint})
		}
		l = append(l, p)
	}
	return l, true
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

// servedLines are those of some rows; several: of more than one gateway.
func servedLines(rows []serviceRow, several bool) (lines []line) {
	for i := range rows {
		l, any := rows[i].served()
		if !any {
			continue
		}
		if several {
			l = append(line{{printable(rows[i].gw.label) + " ", faint}}, l...)
		}
		lines = append(lines, l)
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
