package certs

import (
	"context"
	"crypto/x509"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Set is the material of several legs, whose files are followed together. Legs with equal options share theirs.
type Set struct {
	legs []*leg
	// kept are those of the set that this one replaces.
	kept []*leg
}

// leg is a Server or a Client, and what it was made of.
type leg struct {
	// setting is the one that turns it on, service the name of the first service that has it.
	setting, service string
	options          any
	reloading
	// failures is how many readings in a row have failed, failure what was logged of them.
	failures int
	failure  string
	// outdated is what was logged of certificates that need renewal.
	outdated string
}

type reloading interface {
	Reload() (changed bool, err error)
	Leaves() []*x509.Certificate
}

// Server makes the material of listeners, or finds one with equal options. setting and service name it in the log.
func (s *Set) Server(setting, service string, o ServerOptions) (*Server, error) {
	return shared(s, setting, service, o, NewServer)
}

// Client makes the material towards servers or Sentinels, or finds one with equal options.
func (s *Set) Client(setting, service string, o ClientOptions) (*Client, error) {
	return shared(s, setting, service, o, NewClient)
}

func shared[O any, M reloading](s *Set, setting, service string, options O, load func(O) (M, error)) (M, error) {
	for _, l := range s.legs {
		if other, same := l.reloading.(M); same && reflect.DeepEqual(l.options, options) {
			return other, nil
		}
	}
	made, err := load(options)
	if err != nil {
		return made, fmt.Errorf("service %s: %s: %w", service, setting, err)
	}
	for _, l := range s.kept {
		if other, same := l.reloading.(M); same && reflect.DeepEqual(l.options, options) {
			s.legs = append(s.legs, l)
			return other, nil
		}
	}
	s.legs = append(s.legs, &leg{setting: setting, service: service, options: options, reloading: made})
	return made, nil
}

// Keep has an empty set use the material of an old one where options are equal, so that sessions can be resumed. The
// files are read nevertheless, and must be whole.
func (s *Set) Keep(old *Set) { s.kept = old.legs }

// reloadEvery is the time between two looks at the files.
const reloadEvery = 2 * time.Second

// Follow reads the files of the set of the moment again until ctx ends, and at once when now has something. A change is
// used from the next handshake on; while files cannot be read, or do not fit each other, the old material stays.
func Follow(ctx context.Context, current func() *Set, now <-chan struct{}, logger hclog.Logger) {
	for _, l := range current().legs {
		l.checkExpiry(logger, time.Now())
	}
	tick := time.NewTicker(reloadEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-now:
		case <-tick.C:
		}
		current().Reload(logger, time.Now())
	}
}

// Reload reads all files again, once, and logs what has changed.
func (s *Set) Reload(logger hclog.Logger, now time.Time) {
	for _, l := range s.legs {
		l.reload(logger)
		l.checkExpiry(logger, now)
	}
}

// reload reads the leg's files again. A failure is logged when it comes twice in a row, since a certificate and its key
// are often written one after the other, and the same one is logged once.
func (l *leg) reload(logger hclog.Logger) {
	changed, err := l.Reload()
	if err == nil {
		l.failures, l.failure = 0, ""
		if changed {
			logger.Info("certificate files reloaded", "setting", l.setting, "service", l.service, "expires",
				expiry(l.Leaves()))
		}
		return
	}
	l.failures++
	if text := err.Error(); l.failures > 1 && text != l.failure {
		l.failure = text
		logger.Warn("certificate files reload failed, old ones kept", "setting", l.setting, "service", l.service,
			"error", text)
	}
}

// checkExpiry logs each certificate that has expired or will soon, once.
func (l *leg) checkExpiry(logger hclog.Logger, now time.Time) {
	text := ""
	for _, leaf := range l.Leaves() {
		if why := Outdated(leaf, now); why != "" {
			text += fmt.Sprintf("%q %s; ", leaf.Subject, why)
		}
	}
	if text = strings.TrimSuffix(text, "; "); text != "" && text != l.outdated {
		logger.Warn("certificate renewal due", "setting", l.setting, "service", l.service, "certificate", text)
	}
	l.outdated = text
}

// expiry returns the first expiry of some certificates; empty without any.
func expiry(leaves []*x509.Certificate) string {
	var first time.Time
	for _, leaf := range leaves {
		if first.IsZero() || leaf.NotAfter.Before(first) {
			first = leaf.NotAfter
		}
	}
	if first.IsZero() {
		return ""
	}
	return first.UTC().Format(time.RFC3339)
}
