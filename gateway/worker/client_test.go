package worker

import (
	"math"
	"testing"
	"time"
	"unsafe"

	"evergate/topology"
)

// TestIdleClientIsSmall: past 384 bytes Go takes 416, and each of many idle clients costs that.
func TestIdleClientIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(client{}); size > 384 {
		t.Errorf("a client has grown to %d bytes: what few need belongs behind a pointer", size)
	}
}

// After four billion clients one had the generation of nobody: replies to it were dropped.
func TestGenerationOfAClientIsNeverThatOfNobody(t *testing.T) {
	w := New(Config{Services: []Service{{Name: "main"}}}, Env{
		View: func(int) *topology.View { return nil }, ClientNumber: func() int64 { return 1 },
	})
	w.Tick(time.Second)
	w.nextSeen = math.MaxUint32
	if c := w.ClientOpened(0, "remote", "local"); w.clients[c].ref.Generation == 0 {
		t.Error("a client is nobody")
	}
}
