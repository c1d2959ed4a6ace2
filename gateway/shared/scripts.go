// Package shared has what the workers of a process remember together.
package shared

import (
	"bytes"
	"crypto/sha1" // servers name scripts by their SHA1
	"encoding/hex"
	"hash/maphash"
	"sync"
)

const (
	// scriptBytesMax is the longest script that is remembered, scriptsBytesMax bounds those of a service together. The
	// oldest are dropped first: a server that does not know a script replies NOSCRIPT, and its client sends it again.
	scriptBytesMax  = 256 << 10
	scriptsBytesMax = 16 << 20
)

// Scripts remembers the scripts of one service, for all workers.
type Scripts struct {
	seed maphash.Seed

	mu    sync.Mutex
	hash  map[uint64]struct{} // of all that are remembered: SHA1 is slower, and most scripts are sent often
	names map[string][]byte
	order []script // oldest first
	bytes int
}

type script struct {
	hash uint64
	name string
}

func NewScripts() *Scripts {
	return &Scripts{seed: maphash.MakeSeed(), hash: map[uint64]struct{}{}, names: map[string][]byte{}}
}

// Seen remembers a script. It keeps a copy.
func (s *Scripts) Seen(body []byte) {
	if len(body) > scriptBytesMax {
		return
	}
	hash := maphash.Bytes(s.seed, body)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.hash[hash]; known {
		return
	}
	sum := sha1.Sum(body)
	name := hex.EncodeToString(sum[:])
	s.hash[hash] = struct{}{}
	s.names[name] = bytes.Clone(body)
	s.order = append(s.order, script{hash, name})
	s.bytes += len(body) + len(name)
	for s.bytes > scriptsBytesMax {
		old := s.order[0]
		s.order = s.order[1:]
		s.bytes -= len(s.names[old.name]) + len(old.name)
		delete(s.names, old.name)
		delete(s.hash, old.hash)
	}
}

// Named returns the script whose SHA1 in lower case is name, or nil. The caller must not change the bytes.
func (s *Scripts) Named(name []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.names[string(name)]
}

// Forget drops all scripts.
func (s *Scripts) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.hash)
	clear(s.names)
	s.order, s.bytes = nil, 0
}
