package config

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"evergate/gateway/session"
)

// Consistency selects how fresh a read must be that a replica serves. Empty: ConsistencyGateway, with ReadReplica
// ConsistencyEventual.
type Consistency string

const (
	// ConsistencyGateway has a replica serve a read if it has every write to the read's keys that this gateway has
	// acknowledged, and else the primary.
	ConsistencyGateway Consistency = "gateway"
	// ConsistencyBounded has a replica serve a read if it lags by less than MaxLag, and else the primary.
	ConsistencyBounded Consistency = "bounded"
	// ConsistencyStrong has the primary serve all reads.
	ConsistencyStrong Consistency = "strong"
	// ConsistencyEventual has any healthy replica serve reads.
	ConsistencyEventual Consistency = "eventual"
)

// Consistencies are all of them.
var Consistencies = []string{string(ConsistencyGateway), string(ConsistencyBounded), string(ConsistencyStrong),
	string(ConsistencyEventual)}

// Session is the consistency in the workers' terms; an empty one is that of sessions whose reads may go to the primary.
func (c Consistency) Session() session.Consistency {
	return map[Consistency]session.Consistency{"": session.Gateway, ConsistencyGateway: session.Gateway,
		ConsistencyBounded: session.Bounded, ConsistencyStrong: session.Strong,
		ConsistencyEventual: session.Eventual}[c]
}

// Session are the reads in the workers' terms. ReadAuto is ReadPreferReplica there.
func (r ReadPolicy) Session() session.Reads {
	return map[ReadPolicy]session.Reads{ReadAuto: session.PreferReplica, ReadPreferReplica: session.PreferReplica,
		ReadReplica: session.OnlyReplica}[r]
}

// The bounds of a lag.
const (
	lagMin      = 10 * time.Millisecond
	lagBytesMax = 1 << 40
)

// ReadingAt is where and how the reads of the clients of a listener are served.
func (s *Service) ReadingAt(listen string) session.Reading {
	from, consistency := s.readsAt(listen), cmp.Or(s.ListenConsistency[listen], s.Consistency)
	if from == ReadPrimary && s.FacadeAt(listen) == FacadeReplica {
		from = ReadPreferReplica
	}
	if from == ReadReplica {
		consistency = ConsistencyEventual
	}
	lag, own := s.ListenMaxLag[listen]
	if !own {
		lag = s.MaxLag
	}
	return session.Reading{From: from.Session(), Consistency: consistency.Session(), Lag: lag}
}

// readsAt is the read policy at a listener, of which the text says "" for the service itself.
func (s *Service) readsAt(listen string) ReadPolicy { return cmp.Or(s.ListenReads[listen], s.Reads) }

// Where is the service as it is now: evicts is whether a primary evicts keys that it has not served for long. It is s
// itself where that changes nothing.
func (s *Service) Where(evicts bool) *Service {
	isAuto := func(r ReadPolicy) bool { return r == ReadAuto }
	if !isAuto(s.Reads) && !slices.ContainsFunc(slices.Collect(maps.Values(s.ListenReads)), isAuto) {
		return s
	}
	now := *s
	now.Reads, now.ListenReads = s.Reads.Where(evicts), maps.Clone(s.ListenReads)
	for listen, reads := range now.ListenReads {
		now.ListenReads[listen] = reads.Where(evicts)
	}
	return &now
}

// DependsOnEviction reports whether any of its reads are ReadAuto.
func (s *Service) DependsOnEviction() bool { return s.Where(false) != s }

// UsesConsistency reports whether any client of the service has this consistency by its listener or its user.
func (s *Service) UsesConsistency(c Consistency) bool {
	for _, listen := range s.Listeners() {
		if r := s.ReadingAt(listen); r.Consistency == c.Session() && !r.OnPrimary() {
			return true
		}
	}
	for _, u := range s.UserSettings {
		if u.Consistency == c {
			return true
		}
	}
	return false
}

// reads checks where reads go.
func (v *validation) reads(s *Service) {
	all := []string{string(ReadAuto), string(ReadPrimary), string(ReadPreferReplica), string(ReadReplica)}
	v.oneOf("reads", string(s.Reads), all...)
	for _, listen := range slices.Sorted(maps.Keys(s.ListenReads)) {
		reads := s.ListenReads[listen]
		if !slices.Contains(s.Listeners(), listen) {
			v.noListener("reads", listen)
		}
		v.oneOf("reads", string(reads), all...)
		if s.Reads == ReadReplica && (reads == ReadPreferReplica || reads == ReadAuto) {
			v.fault(Fault{Setting: "reads", Item: listen, Text: quoted(string(reads)) + " is not possible where those of " +
				"the service are " + quoted(string(s.Reads))})
		}
	}
}

// consistency checks how fresh reads must be.
func (v *validation) consistency(s *Service) {
	v.consistencyOf("", s.Reads, s.Consistency)
	for _, listen := range slices.Sorted(maps.Keys(s.ListenConsistency)) {
		if !slices.Contains(s.Listeners(), listen) {
			v.noListener("consistency", listen)
		}
		v.consistencyOf(listen, s.readsAt(listen), s.ListenConsistency[listen])
	}
	lags := map[string]session.Lag{"": s.MaxLag}
	maps.Copy(lags, s.ListenMaxLag)
	for _, listen := range slices.Sorted(maps.Keys(lags)) {
		if listen != "" && !slices.Contains(s.Listeners(), listen) {
			v.noListener("max-lag", listen)
		}
		v.lag(listen, lags[listen])
	}
	v.bounded(s)
}

// consistencyOf checks one of them, with the reads that it is for.
func (v *validation) consistencyOf(listen string, reads ReadPolicy, c Consistency) {
	switch {
	case c == "":
	case !slices.Contains(Consistencies, string(c)):
		v.oneOf("consistency", string(c), Consistencies...)
	case reads == ReadReplica && c != ConsistencyEventual:
		v.fault(Fault{Setting: "consistency", Item: listen, Other: "reads", Text: quoted(string(c)) + " conflicts with " +
			"reads " + string(reads) + ": a read that no replica may serve could not go to the primary"})
	}
}

// lag checks a lag.
func (v *validation) lag(listen string, l session.Lag) {
	if l.Bytes < 0 || l.Bytes > lagBytesMax || l.Time != 0 && (l.Time < lagMin || l.Time > longest) {
		v.fault(Fault{Setting: "max-lag", Item: listen,
			Text: "is not between " + lagMin.String() + " and " + longest.String() + ", or up to 1024gb"})
	}
}

// bounded checks that there is a lag where one is needed, and nowhere else.
func (v *validation) bounded(s *Service) {
	isBounded := s.Consistency == ConsistencyBounded
	for _, listen := range s.Listeners() {
		r := s.ReadingAt(listen)
		isBounded = isBounded || r.Consistency == session.Bounded
		if r.Consistency == session.Bounded && r.Lag == (session.Lag{}) {
			v.needs("consistency", "max-lag", "how far a replica may lag behind for bounded reads")
			return
		}
	}
	for _, u := range s.UserSettings {
		isBounded = isBounded || u.Consistency == ConsistencyBounded
	}
	switch set := s.MaxLag != (session.Lag{}) || len(s.ListenMaxLag) > 0; {
	case set && !isBounded:
		v.needs("max-lag", "consistency", "only bounded reads have a lag")
	case set && s.UsedReads() == ReadPrimary && !s.HasFacade(FacadeReplica):
		v.needs("max-lag", "reads", "no client reads from replicas")
	}
}

// userConsistency checks how fresh the reads of a user must be.
func (v *validation) userConsistency(s *Service, u *UserSettings) {
	v.consistencyOf("", cmp.Or(u.Reads, s.Reads), u.Consistency)
	if u.MaxLag != nil {
		v.lag("", *u.MaxLag)
	}
	bounded := cmp.Or(u.Consistency, s.Consistency) == ConsistencyBounded
	switch {
	case u.MaxLag != nil && !bounded:
		v.needs("max-lag", "consistency", "only bounded reads have a lag")
	case u.Consistency == ConsistencyBounded && u.MaxLag == nil && s.MaxLag == (session.Lag{}):
		v.needs("consistency", "max-lag", "how far a replica may lag behind for bounded reads")
	}
}
