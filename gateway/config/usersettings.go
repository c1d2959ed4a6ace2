package config

import (
	"maps"
	"math"
	"slices"
	"time"

	"evergate/gateway/access"
	"evergate/gateway/acks"
	"evergate/gateway/ratelimit"
	"evergate/gateway/session"
)

// UserSettings are what is set for one user, beside its rights. The zero value changes nothing.
type UserSettings struct {
	// Reads is the read policy, if not the service's: ReadPrimary or ReadPreferReplica. A service with ReadReplica can
	// have users with ReadPrimary only.
	Reads ReadPolicy
	// Consistency is empty, and MaxLag nil, where it is that of the listener.
	Consistency Consistency
	MaxLag      *session.Lag
	// Hold is nil where it is that of the listener.
	Hold *Hold
	// Acks is nil and AcksTimeout zero where they are those of the listener.
	Acks        *acks.Level
	AcksTimeout time.Duration
	// Databases are those that clients may use. Nil: all.
	Databases []int
	// Networks is where clients of the user come from, as accept.ParseNetworks reads them. Default all.
	Networks []string
	// ClientsMax is the most clients of the user at once. Zero: no limit.
	ClientsMax int
	Rate       Rate
	// ClientMemoryMax is how many bytes may be kept for all clients of the user together. Past it those with the most are
	// closed. Zero: no bound but that of all clients.
	ClientMemoryMax int64
	// Output and Push are in place of Limits.OutputBytesMax and PushBytesMax with their soft limits. Nil: these.
	Output, Push *OutputLimit
}

// Rate bounds what a user, or an address, may do in a second. The zero value bounds nothing.
type Rate struct {
	// Commands a second, and Bytes a second: those of requests, replies and messages. Zero: no limit.
	Commands int
	Bytes    int64
	// Over is what becomes of a request that exceeds one of them. Default RateWait.
	Over OverRate
}

// OverRate decides about requests that exceed a Rate.
type OverRate string

const (
	// RateWait has them wait, and all that their clients send after them.
	RateWait OverRate = "wait"
	// RateError answers them with an error.
	RateError OverRate = "error"
)

// Limit is the rate in terms of the buckets.
func (r Rate) Limit() ratelimit.Rate {
	return ratelimit.Rate{Commands: int64(r.Commands), Bytes: r.Bytes, Refuses: r.Over == RateError}
}

// userSettings checks what is set for single users. Those of a file of users, or of the servers, are not
// known here.
func (v *validation) userSettings(s *Service) {
	known := []string{access.DefaultUser}
	if len(s.Access.Users) > 0 {
		users, err := access.Parse(usersSource, s.Access.Users)
		if err != nil {
			return // reported as a fault of the users
		}
		known = users.Names()
	}
	for _, name := range slices.Sorted(maps.Keys(s.UserSettings)) {
		u := s.UserSettings[name]
		if s.Access.UsersFile == "" && !s.Passes() && !slices.Contains(known, name) {
			v.fault(Fault{Setting: "user-settings", Item: name, Given: name, Choices: known,
				Text: "no user is called " + quoted(name)})
		}
		one := &validation{service: v.service}
		one.userReads(s, u.Reads)
		one.userConsistency(s, &u)
		if u.Hold != nil {
			one.hold("", *u.Hold)
		}
		if u.Acks != nil {
			one.acksLevel(s, "", *u.Acks)
		}
		if u.AcksTimeout != 0 {
			one.acksTimeout("", u.AcksTimeout)
		}
		for _, n := range u.Databases {
			within(one, "databases", n, 0, math.MaxInt32)
		}
		one.network("allow-networks", "", u.Networks)
		within(one, "max-clients", u.ClientsMax, 0, clientsMax)
		one.rate("", u.Rate)
		if u.ClientMemoryMax != 0 {
			one.size("client-memory-max", u.ClientMemoryMax)
		}
		one.output("client-output-buffer-limit", u.Output)
		one.output("pubsub-output-buffer-limit", u.Push)
		for _, f := range one.faults {
			f.Text, f.Item, f.Setting = f.Setting+" of "+quoted(name)+": "+f.Text, name, "user-settings"
			v.fault(f)
		}
	}
}

// output checks the output limit of a user; nil is none.
func (v *validation) output(setting string, l *OutputLimit) {
	if l != nil {
		v.size(setting, l.Bytes)
		v.soft(setting, l.Soft)
	}
}

// SelectingUsers are the names of users with Databases whose scripts can select any other one. Those of users whom only
// the servers know are not among them, nor of a file of users that cannot be read.
func (s *Service) SelectingUsers() (names []string) {
	users := access.WithoutPassword()
	switch text, err := s.Access.ReadFile(); {
	case s.Passes() || err != nil:
		return nil
	case s.Access.Defined():
		if users, err = s.Access.Parse(text); err != nil {
			return nil
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.UserSettings)) {
		if user := users.Lookup(name); s.UserSettings[name].Databases != nil && user != nil && user.RunsScripts() {
			names = append(names, name)
		}
	}
	return names
}

// UnknownUsers are the names in UserSettings that the file of users lacks; none without a file that can be read.
func (s *Service) UnknownUsers() (names []string) {
	text, err := s.Access.ReadFile()
	if err != nil || s.Access.UsersFile == "" {
		return nil
	}
	users, err := s.Access.Parse(text)
	if err != nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(s.UserSettings)) {
		if name != access.DefaultUser && !slices.Contains(users.Names(), name) {
			names = append(names, name)
		}
	}
	return names
}

// userReads checks the read policy of a user.
func (v *validation) userReads(s *Service, reads ReadPolicy) {
	switch {
	case reads == "":
	case s.Reads == ReadReplica && reads == ReadPreferReplica:
		v.addf("reads", "%q is not possible where those of the service are %q", string(reads), string(s.Reads))
	default:
		v.oneOf("reads", string(reads), string(ReadPrimary), string(ReadPreferReplica))
	}
}

// UsedReads are the reads of the service for its workers: from replicas as well if any listener or user reads there.
func (s *Service) UsedReads() ReadPolicy {
	if s.Reads == ReadPrimary {
		for _, reads := range s.ListenReads {
			if reads != ReadPrimary {
				return ReadPreferReplica
			}
		}
		for _, u := range s.UserSettings {
			if u.Reads == ReadPreferReplica {
				return ReadPreferReplica
			}
		}
	}
	return s.Reads
}

// rate checks the bounds of a rate. of ends the names of its settings.
func (v *validation) rate(of string, r Rate) {
	within(v, "commands-per-second"+of, r.Commands, 0, ratelimit.PerSecondMax)
	within(v, "bytes-per-second"+of, r.Bytes, 0, ratelimit.PerSecondMax)
	if r.Over != "" {
		v.oneOf("on-rate-limit", string(r.Over), string(RateWait), string(RateError))
	}
}
