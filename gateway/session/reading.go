package session

import (
	"slices"
	"time"
)

// Reads is which servers serve the reads of a client.
type Reads uint8

const (
	// FromPrimary sends reads to the primary.
	FromPrimary Reads = iota
	// PreferReplica sends reads to replicas, and to the primary when none can serve them.
	PreferReplica
	// OnlyReplica sends reads to replicas; without any they fail.
	OnlyReplica
)

var readsWords = [...]string{"primary", "prefer-replica", "replica"}

func (r Reads) String() string { return readsWords[r] }

// Consistency is how fresh a read must be that a replica serves.
type Consistency uint8

const (
	// Eventual: any healthy replica serves it.
	Eventual Consistency = iota
	// Gateway: a replica serves it that has every write to its keys that this gateway has acknowledged, see package
	// freshness; else the primary.
	Gateway
	// Bounded: a replica serves it that lags by less than a bound; else the primary.
	Bounded
	// Strong: the primary serves it.
	Strong
)

var consistencyWords = [...]string{"eventual", "gateway", "bounded", "strong"}

func (c Consistency) String() string { return consistencyWords[c] }

// Lag is how far a replica may lag behind for the consistency Bounded: by a time, or if that is 0 by so many bytes.
type Lag struct {
	Time  time.Duration
	Bytes int64
}

// Reading is where and how the reads of a client are served.
type Reading struct {
	From        Reads
	Consistency Consistency
	Lag         Lag
}

// OnPrimary reports whether all reads go to the primary.
func (r *Reading) OnPrimary() bool { return r.From == FromPrimary || r.Consistency == Strong }

// Hedge is when a read that a replica owes is sent to another one as well: after a time, or where P99 is set when it
// takes longer than 99 of 100 do. The zero value is never.
type Hedge struct {
	After time.Duration
	P99   bool
}

// Off reports whether no read is.
func (h Hedge) Off() bool { return h == Hedge{} }

// String returns it as in the settings: "off", "p99", or a time.
func (h Hedge) String() string {
	switch {
	case h.P99:
		return "p99"
	case h.Off():
		return "off"
	}
	return h.After.String()
}

// Chosen is what a client has chosen for itself, by PROXY READS, PROXY CONSISTENCY, READONLY or READWRITE. The zero
// value is nothing.
type Chosen struct {
	// From is 1 more than the Reads that it chose, Consistency than the Consistency.
	From, Consistency uint8
}

// Over returns the reading of a client for whom of is set. Reads that may not go to the primary are Eventual, unless
// the client has chosen another consistency as well.
func (c Chosen) Over(of Reading) Reading {
	if c.From > 0 {
		of.From = Reads(c.From - 1)
	}
	switch {
	case c.Consistency > 0:
		of.Consistency = Consistency(c.Consistency - 1)
	case of.From == OnlyReplica:
		of.Consistency = Eventual
	}
	return of
}

// Default is the word by which a client takes back what it has chosen.
const Default = "default"

// ChooseReads returns the value of Chosen.From for a word: one of Reads, or Default.
func ChooseReads(word string) (from uint8, known bool) {
	i := slices.Index(readsWords[:], word)
	return uint8(i + 1), i >= 0 || word == Default
}

// ChooseConsistency does so for Chosen.Consistency.
func ChooseConsistency(word string) (consistency uint8, known bool) {
	i := slices.Index(consistencyWords[:], word)
	return uint8(i + 1), i >= 0 || word == Default
}

// Possible reports whether reads can be served so. Those that may not go to the primary must be served by any replica.
func (r *Reading) Possible() bool { return r.From != OnlyReplica || r.Consistency == Eventual }
