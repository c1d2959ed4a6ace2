package gateway

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
)

// gate has the password of a service's clients. A file is read again every second, outside the loops, so that a rotated
// password is accepted without a restart and checking one costs no I/O.
type gate struct {
	secret Secret
	hash   atomic.Pointer[[sha256.Size]byte] // nil: no password is required
}

const gateRefresh = time.Second

func newGate(s Secret) (*gate, error) {
	g := &gate{secret: s}
	if s.IsZero() {
		return g, nil
	}
	return g, g.read()
}

func (g *gate) read() error {
	password, err := g.secret.Read()
	if err != nil {
		return err
	}
	hash := sha256.Sum256([]byte(password))
	g.hash.Store(&hash)
	return nil
}

// follow re-reads the file until ctx ends. While it cannot be read the old password stays.
func (g *gate) follow(ctx context.Context, logger hclog.Logger) {
	if g.secret.File == "" {
		return
	}
	tick := time.NewTicker(gateRefresh)
	defer tick.Stop()
	failed := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := g.read()
		if err != nil && !failed {
			logger.Warn("password reload failed, old password kept", "error", err)
		}
		failed = err != nil
	}
}

// allows checks a user and password in constant time. Without a password the default user may send any, as in Redis.
func (g *gate) allows(user, password []byte) bool {
	known := string(user) == "default"
	want := g.hash.Load()
	if want == nil {
		return known
	}
	got := sha256.Sum256(password)
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1 && known
}
