package api

import (
	"encoding/json"
	"math"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestValuesAreShortAndNullable(t *testing.T) {
	text, err := json.Marshal(Values{0, 12, 0.5, math.NaN(), math.Inf(1), 1e7})
	if err != nil || string(text) != "[0,12,0.5,null,null,10000000]" {
		t.Fatalf("%s, %v", text, err)
	}
	var back Values
	if err := json.Unmarshal(text, &back); err != nil || len(back) != 6 || back[1] != 12 || !math.IsNaN(back[3]) {
		t.Errorf("%v, %v", back, err)
	}
	if text, _ := json.Marshal(Values(nil)); string(text) != "[]" {
		t.Errorf("no values: %s", text)
	}
	if json.Unmarshal([]byte(`["a"]`), &back) == nil {
		t.Error("a text was taken for a number")
	}
}

func TestTimesAreRounded(t *testing.T) {
	if got := Ms(1234567 * time.Nanosecond); got != 1.235 {
		t.Errorf("Ms: %v", got)
	}
	if got := Us(1234567 * time.Nanosecond); got != 1234.6 {
		t.Errorf("Us: %v", got)
	}
}

// TestKeysNameTheirUnits: each field has a key in snake case, and a key with a unit is a number or a list of them.
func TestKeysNameTheirUnits(t *testing.T) {
	snake := regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	seen := map[reflect.Type]bool{}
	var check func(typ reflect.Type)
	check = func(typ reflect.Type) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || typ == reflect.TypeFor[time.Time]() || seen[typ] {
			return
		}
		seen[typ] = true
		for i := range typ.NumField() {
			f := typ.Field(i)
			key := f.Tag.Get("json")
			if !snake.MatchString(key) {
				t.Errorf("%s.%s has the key %q", typ.Name(), f.Name, key)
			}
			of := f.Type
			for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
				of = of.Elem()
			}
			isNumber := of.Kind() >= reflect.Int && of.Kind() <= reflect.Float64
			for _, unit := range []string{"_ms", "_us", "_seconds", "_bytes", "_now"} {
				if strings.HasSuffix(key, unit) && !isNumber {
					t.Errorf("%s.%s: %q is no number", typ.Name(), f.Name, key)
				}
			}
			check(f.Type)
		}
	}
	for _, answer := range []any{Overview{}, Services{}, Failovers{}, Clients{}, Slowlog{}, HotKeys{}, Config{}, Series{},
		Sample{}, Ready{}, Error{}} {
		check(reflect.TypeOf(answer))
	}
	if len(seen) < 25 {
		t.Errorf("only %d types were checked", len(seen))
	}
}
