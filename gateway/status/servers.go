package status

import (
	"slices"
	"strconv"
	"strings"

	"evergate/routing"
	"evergate/topology"
)

// What INFO says of memory, work and data comes from the servers. It is added up where a sum means something, over the
// primaries for what replicas have as well, over all servers for what each has done. What is no number is passed on
// where all agree, and left out elsewhere.

// ServerReport is the text of INFO of one server.
type ServerReport struct {
	// Addr is the server's address, or the name of a shard without one.
	Addr    string
	Primary bool
	Text    string
	// Missing is why there is no text; empty when there is one.
	Missing string
}

// served are the sections that come from servers; true: from replicas, too.
var served = map[string]bool{
	"server": false, "clients": false, "memory": false, "persistence": false, "modules": false, "keyspace": false,
	"keysizes": false, "threads": true, "stats": true, "cpu": true, "commandstats": true, "errorstats": true,
	"latencystats": true,
}

// AsksServers reports whether INFO with these sections has a part that comes from servers.
func AsksServers(sections []string) bool {
	return len(sections) == 0 || slices.ContainsFunc(sections, func(s string) bool {
		_, ours := served[s]
		return ours || isEverything(s)
	})
}

// field is a line "key:value".
type field struct{ key, value string }

// ofServers makes one section of those of all servers that have a say. It is empty when none of them said anything.
func ofServers(name string, infos []ServerReport) []field {
	var tables [][]field
	for i := range infos {
		if s := &infos[i]; s.Missing == "" && (s.Primary || served[name]) {
			fields := sectionOf(s.Text, name)
			if name == "commandstats" && !s.Primary {
				fields = slices.DeleteFunc(fields, replicated)
			}
			if len(fields) > 0 {
				tables = append(tables, fields)
			}
		}
	}
	if len(tables) == 1 {
		return tables[0]
	}
	var merged []field
	if name == "modules" { // a line for each, all under one key
		for _, table := range tables {
			for _, f := range table {
				if !slices.Contains(merged, f) {
					merged = append(merged, f)
				}
			}
		}
		return merged
	}
	for _, key := range keysOf(tables) {
		var values []string
		for _, table := range tables {
			if at := slices.IndexFunc(table, func(f field) bool { return f.key == key }); at >= 0 {
				values = append(values, table[at].value)
			}
		}
		if value, ok := mergeValues(name, key, values, len(tables)); ok {
			merged = append(merged, field{key, value})
		}
	}
	if name == "memory" {
		recompute(merged)
	}
	return merged
}

// replicated reports whether a line is about a command that a replica has from its primary, which has counted it
// already.
func replicated(f field) bool {
	name, _ := strings.CutPrefix(f.key, "cmdstat_")
	command := routing.Named(name)
	return command != nil && (command.MayReplicate() || command.Has(routing.Transaction))
}

// sectionOf takes one section out of a text of INFO.
func sectionOf(text, name string) (fields []field) {
	for key, value := range topology.InfoSection(text, name) {
		fields = append(fields, field{key, value})
	}
	return fields
}

// keysOf gives every key of the tables once, in their order.
func keysOf(tables [][]field) (keys []string) {
	seen := map[string]bool{}
	for _, table := range tables {
		for _, f := range table {
			if !seen[f.key] {
				seen[f.key] = true
				keys = append(keys, f.key)
			}
		}
	}
	return keys
}

// mergeValues makes one value of those that several servers gave; false where none makes sense.
func mergeValues(section, key string, values []string, servers int) (string, bool) {
	switch {
	case parted[section]:
		return mergeParts(values, section == "latencystats"), true
	case strings.HasSuffix(key, "_human"), isShare(key):
		return "", section == "memory" // recompute fills it in
	case strings.HasSuffix(key, "_status"):
		return worst(values), true
	}
	numbers, decimals, ok := parseAll(values)
	switch {
	case !ok || agrees[key]:
		return values[0], len(values) == servers && allSame(values)
	case key == "maxmemory" && slices.Contains(numbers, 0): // no limit on one is no limit on all
		return "0", true
	case oldest[key]:
		return format(slices.Min(numbers), decimals), true
	case section == "persistence" && !adds[key], mostOf[key]:
		return format(slices.Max(numbers), decimals), true
	}
	sum := 0.0
	for _, n := range numbers {
		sum += n
	}
	return format(sum, decimals), true
}

// parted are the sections whose values have parts.
var parted = map[string]bool{
	"keyspace": true, "commandstats": true, "errorstats": true, "latencystats": true, "keysizes": true, "threads": true,
}

var (
	// agrees are numbers of which neither a sum nor the greatest says anything.
	agrees = map[string]bool{"total_system_memory": true}
	// oldest are times of which the earliest is the answer.
	oldest = map[string]bool{"rdb_last_save_time": true}
	// mostOf are those of which the greatest is: outside of persistence, where that is the rule, since its numbers are
	// times and switches.
	mostOf = map[string]bool{
		"latest_fork_usec": true, "expired_stale_perc": true, "active_defrag_running": true,
		"client_recent_max_input_buffer": true, "client_recent_max_output_buffer": true,
	}
	// adds are what is counted in persistence.
	adds = map[string]bool{
		"rdb_changes_since_last_save": true, "rdb_saves": true, "rdb_last_cow_size": true, "aof_current_size": true,
		"aof_base_size": true, "aof_rewrites": true, "aof_buffer_length": true, "aof_pending_bio_fsync": true,
		"aof_delayed_fsync": true, "current_cow_size": true, "current_cow_peak": true, "current_save_keys_processed": true,
		"current_save_keys_total": true, "rdb_last_load_keys_expired": true, "rdb_last_load_keys_loaded": true,
		"aof_last_cow_size": true, "module_fork_last_cow_size": true,
	}
)

// ratios are numbers of memory that follow from two others.
var ratios = map[string][2]string{
	"mem_fragmentation_ratio": {"used_memory_rss", "used_memory"},
	"allocator_frag_ratio":    {"allocator_active", "allocator_allocated"},
	"allocator_rss_ratio":     {"allocator_resident", "allocator_active"},
	"rss_overhead_ratio":      {"used_memory_rss", "allocator_resident"},
}

func isShare(key string) bool {
	_, isRatio := ratios[key]
	return isRatio || key == "used_memory_dataset_perc" || key == "used_memory_peak_perc"
}

// recompute fills in what follows from sums.
func recompute(fields []field) {
	number := func(key string) float64 {
		if at := slices.IndexFunc(fields, func(f field) bool { return f.key == key }); at >= 0 {
			n, _ := strconv.ParseFloat(fields[at].value, 64)
			return n
		}
		return 0
	}
	share := func(a, b, times float64) string {
		if b == 0 {
			return format(0, 2)
		}
		return format(a/b*times, 2)
	}
	for i := range fields {
		f := &fields[i]
		base, isHuman := strings.CutSuffix(f.key, "_human")
		of, isRatio := ratios[f.key]
		switch {
		case isHuman:
			f.value = human(number(base))
		case isRatio:
			f.value = share(number(of[0]), number(of[1]), 1)
		case f.key == "used_memory_peak_perc":
			f.value = share(number("used_memory"), number("used_memory_peak"), 100) + "%"
		case f.key == "used_memory_dataset_perc":
			f.value = share(number("used_memory_dataset"), number("used_memory")-number("used_memory_startup"), 100) + "%"
		}
	}
}

// human writes a number of bytes as Redis does (bytesToHuman).
func human(n float64) string {
	for _, unit := range []struct {
		name  string
		bytes float64
	}{{"P", 1 << 50}, {"T", 1 << 40}, {"G", 1 << 30}, {"M", 1 << 20}, {"K", 1 << 10}} {
		if n >= unit.bytes {
			return format(n/unit.bytes, 2) + unit.name
		}
	}
	return format(n, 0) + "B"
}

// mergeParts adds "keys=1,expires=0,avg_ttl=0" part by part. Averages are those of the sum. Of percentiles, which have
// no sum, the worst is taken.
func mergeParts(values []string, worst bool) string {
	var order []string
	sums := map[string]float64{}
	weighed := 0.0 // milliseconds that all keys with a time to live have left
	for _, value := range values {
		parts := map[string]float64{}
		for part := range strings.SplitSeq(value, ",") {
			key, number, _ := strings.Cut(part, "=")
			n, _ := strconv.ParseFloat(number, 64)
			if _, seen := sums[key]; !seen {
				order = append(order, key)
			}
			if worst {
				sums[key] = max(sums[key], n)
			} else {
				sums[key] += n
			}
			parts[key] = n
		}
		weighed += parts["avg_ttl"] * parts["expires"]
	}
	for i, key := range order {
		text := format(sums[key], 0)
		switch {
		case worst:
			text = format(sums[key], 3)
		case key == "avg_ttl" && sums["expires"] > 0:
			text = format(weighed/sums["expires"], 0)
		case key == "usec_per_call" && sums["calls"] > 0:
			text = format(sums["usec"]/sums["calls"], 2)
		case key == "usec_per_call":
			text = format(0, 2)
		}
		order[i] = key + "=" + text
	}
	return strings.Join(order, ",")
}

// worst is "ok" when all are, else the first that is not.
func worst(values []string) string {
	for _, v := range values {
		if v != "ok" {
			return v
		}
	}
	return values[0]
}

func allSame(values []string) bool {
	return !slices.ContainsFunc(values, func(v string) bool { return v != values[0] })
}

// parseAll reads numbers, and how many decimals they are written with.
func parseAll(values []string) (numbers []float64, decimals int, ok bool) {
	for _, v := range values {
		n, err := strconv.ParseFloat(v, 64)
		if err != nil {
			return nil, 0, false
		}
		numbers = append(numbers, n)
		if _, digits, found := strings.Cut(v, "."); found {
			decimals = max(decimals, len(digits))
		}
	}
	return numbers, decimals, true
}

func format(n float64, decimals int) string { return strconv.FormatFloat(n, 'f', decimals, 64) }
