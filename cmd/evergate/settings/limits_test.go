package settings

import (
	"testing"
	"time"

	"evergate/gateway/config"
)

func TestParseOutput(t *testing.T) {
	for text, want := range map[string]struct {
		hard int64
		soft config.SoftLimit
	}{
		"64mb":           {hard: 64 << 20},
		"32mb,8mb,60s":   {32 << 20, config.SoftLimit{Bytes: 8 << 20, For: time.Minute}},
		"32mb 8mb 60":    {32 << 20, config.SoftLimit{Bytes: 8 << 20, For: time.Minute}},
		"1gb, 16kb, 1m":  {1 << 30, config.SoftLimit{Bytes: 16 << 10, For: time.Minute}},
		"32mb 0 0":       {hard: 32 << 20},
		"32mb,8mb":       {},
		"":               {},
		"32mb 8mb 60s 1": {},
		"32mb 8mb soon":  {},
		"many":           {},
	} {
		hard, soft, err := parseOutput(text)
		switch valid := want.hard > 0; {
		case valid != (err == nil):
			t.Errorf("%q: %v", text, err)
		case valid && (hard != want.hard || soft != want.soft):
			t.Errorf("%q: %d, %+v", text, hard, soft)
		}
	}
}
