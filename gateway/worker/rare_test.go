package worker

import (
	"reflect"
	"testing"
)

// checkNone: what one client writes to the rare that many share, all of these have.
func (w *Worker) checkNone(t testing.TB) {
	t.Helper()
	for _, s := range w.services {
		if !reflect.ValueOf(s.none).IsZero() {
			t.Fatalf("the clients that own no rare have %+v", s.none)
		}
	}
}
