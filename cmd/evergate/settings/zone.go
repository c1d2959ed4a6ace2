package settings

import (
	"maps"
	"slices"
	"strings"
)

// zoneSettings are where the gateway and the servers are.
var zoneSettings = []*Setting{
	textSetting("zone", "NAME", "zone of the gateway: prefer replicas of this zone for reads",
		func(t target) *string { return &t.service.Zone }),
	mapSetting("zone-map", "SERVER=ZONE,...",
		"zones of servers that do not report them; SERVER is HOST:PORT, HOST, a network or a pattern of host names",
		func(t target) *map[string]string { return &t.service.ZoneMap }),
}

// mapSetting takes pairs.
func mapSetting(name, wants, usage string, field func(target) *map[string]string) *Setting {
	pair, _, _ := strings.Cut(wants, ",")
	return &Setting{Name: name, Wants: wants, kind: pairs, usage: usage,
		set: func(t target, texts []string) (err error) {
			*field(t), err = parseMap(texts, pair)
			return err
		},
		show: func(t target) string {
			m := *field(t)
			list := make([]string, 0, len(m))
			for _, from := range slices.Sorted(maps.Keys(m)) {
				list = append(list, from+"="+m[from])
			}
			return strings.Join(list, ", ")
		}}
}
