package worker

import (
	"reflect"
	"testing"
)

// checkRooms: the state of the rooms holds; and what one client writes to the rare that many share, all of these have.
func (w *Worker) checkRooms(t testing.TB) {
	t.Helper()
	if err := w.Check(); err != nil {
		t.Fatal(err)
	}
	for _, s := range w.services {
		if !reflect.ValueOf(s.none).IsZero() {
			t.Fatalf("the clients that own no rare have %+v", s.none)
		}
	}
}
