package gateway

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

// scripts remembers the scripts of one service, for all workers.
type scripts struct {
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

func newScripts() *scripts {
	return &scripts{seed: maphash.MakeSeed(), hash: map[uint64]struct{}{}, names: map[string][]byte{}}
}

// seen remembers a script. It keeps a copy.
func (s *scripts) seen(body []byte) {
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

// named returns the script whose SHA1 in lower case is name, or nil. The caller must not change the bytes.
func (s *scripts) named(name []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.names[string(name)]
}

// forget drops all scripts.
func (s *scripts) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.hash)
	clear(s.names)
	s.order, s.bytes = nil, 0
}
