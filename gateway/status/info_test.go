package status

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"evergate/gateway/freshness"
	"evergate/gateway/latency"
	"evergate/gateway/sessions"
	"evergate/gateway/worker"
	"evergate/routing"
	"evergate/topology"
)

// numbered gives each counter of workers a number of its own, and calls each with its name.
func numbered(s *worker.Stats, each func(name string, counter reflect.Value)) {
	n := uint64(7_000_000_001)
	number(reflect.ValueOf(s).Elem(), &n, each)
}

func number(fields reflect.Value, n *uint64, each func(name string, counter reflect.Value)) {
	for i := range fields.NumField() {
		name, field := fields.Type().Field(i).Name, fields.Field(i)
		counters := []reflect.Value{field}
		switch field.Kind() {
		case reflect.Struct: // those of a room
			number(field, n, each)
			continue
		case reflect.Pointer: // times
			field.Set(reflect.New(field.Type().Elem()))
			number(field.Elem(), n, each)
			continue
		case reflect.Array:
			counters = nil
			for j := range field.Len() {
				if at := field.Index(j); at.Kind() == reflect.Pointer { // times of a kind
					at.Set(reflect.New(at.Type().Elem()))
					number(at.Elem(), n, each)
				} else {
					counters = append(counters, at)
				}
			}
		}
		for j, c := range counters {
			c.SetUint(*n)
			each(fmt.Sprintf("%s[%d]", name, j), c)
			*n++
		}
	}
}

// TestInfoShowsEveryCounter fails for a counter that nobody can see.
func TestInfoShowsEveryCounter(t *testing.T) {
	var s worker.Snapshot
	want := map[string]uint64{}
	numbered(&s.Stats, func(name string, c reflect.Value) { want[name] = c.Uint() })
	waits := &latency.Histogram{Sum: 8_000_000_001}
	waits.Counts[9] = 8_000_000_002
	s.Services = make([]worker.OfService, 2)
	counts := &s.Services[1].Counts
	counts.Acks = sessions.AckCounts{Confirmed: 8_000_000_003, Unconfirmed: 8_000_000_004, Lacking: 8_000_000_005,
		Waits: waits}
	for n := uint64(8_000_000_001); n <= 8_000_000_005; n++ {
		want[fmt.Sprintf("Acks(%d)", n)] = n
	}
	for i := range counts.OnPrimary {
		counts.OnPrimary[i] = 9_000_000_000 + uint64(i)
		want[freshness.OnPrimary(i).String()] = counts.OnPrimary[i]
	}
	text := string(Info(Facts{Stats: s}, nil))
	for name, n := range want {
		summed := strings.HasPrefix(name, "RefusedByServer[") // shown as one number
		if !summed && !strings.Contains(text, fmt.Sprint(n)) {
			t.Errorf("INFO does not show %s", name)
		}
	}
	if strings.Count(text, "\n") != strings.Count(text, "\r\n") {
		t.Error("INFO has lines that do not end as RESP lines do")
	}
}

func TestSumAddsEveryCounter(t *testing.T) {
	var one worker.Snapshot
	numbered(&one.Stats, func(string, reflect.Value) {})
	one.Clients, one.Conns, one.BlockedSessions, one.Waiting, one.Silent, one.Dedicated, one.Blocked = 1, 2, 3, 4, 5, 6, 7
	times := &latency.Histogram{Sum: 9}
	times.Counts[3] = 2
	one.Rounds = *times
	one.Services = []worker.OfService{{Clients: 1, Took: *times, ByGroup: [routing.Groups]*latency.Histogram{1: times}},
		{Clients: 2, Waiting: 3, Nodes: map[topology.NodeID]worker.AtNode{
			5: {Conns: 4, InFlight: 5, Silent: 6, Requests: 7, Took: [2]*latency.Histogram{1: times}}}}}
	n := uint64(1)
	number(reflect.ValueOf(&one.Services[0].Counts).Elem(), &n, func(string, reflect.Value) {})
	compareTwice(t, "", reflect.ValueOf(one), reflect.ValueOf(Sum([]worker.Snapshot{one, one})))
}

// compareTwice looks that each number of b is twice that of a.
func compareTwice(t *testing.T, name string, a, b reflect.Value) {
	t.Helper()
	switch a.Kind() {
	case reflect.Struct:
		for i := range a.NumField() {
			compareTwice(t, a.Type().Field(i).Name, a.Field(i), b.Field(i))
		}
	case reflect.Pointer:
		if !a.IsNil() {
			compareTwice(t, name, a.Elem(), b.Elem())
		}
	case reflect.Array, reflect.Slice:
		for i := range a.Len() {
			compareTwice(t, name, a.Index(i), b.Index(i))
		}
	case reflect.Map:
		for _, key := range a.MapKeys() {
			compareTwice(t, name, a.MapIndex(key), b.MapIndex(key))
		}
	case reflect.Bool:
		if a.Bool() != b.Bool() {
			t.Errorf("%s: the sum of %t and %t is %t", name, a.Bool(), a.Bool(), b.Bool())
		}
	case reflect.Uint64:
		if b.Uint() != 2*a.Uint() {
			t.Errorf("%s: the sum of %d and %d is %d", name, a.Uint(), a.Uint(), b.Uint())
		}
	default:
		if b.Int() != 2*a.Int() {
			t.Errorf("%s: the sum of %d and %d is %d", name, a.Int(), a.Int(), b.Int())
		}
	}
}
