package sessions

import (
	"math"
	"testing"
	"unsafe"

	"evergate/gateway/access"
	"evergate/gateway/wait"
)

// TestIdleClientIsSmall: past 384 bytes Go takes 416, and each of many idle clients costs that.
func TestIdleClientIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(Session{}); size > 384 {
		t.Errorf("a client has grown to %d bytes: what few need belongs behind a pointer", size)
	}
}

// After four billion clients one had the generation 0, which identifies no client: replies to it were dropped.
func TestGenerationOfAClientIsNeverThatOfNobody(t *testing.T) {
	clock := wait.NewClock()
	x := New(Config{Clock: &clock, ClientNumber: func() int64 { return 1 }}, nil)
	x.nextSeen = math.MaxUint32
	if c := x.Open(&Service{x: x, Users: access.WithoutPassword()}, Arrival{}); c.Ref.Generation == 0 {
		t.Error("a client is nobody")
	}
}
