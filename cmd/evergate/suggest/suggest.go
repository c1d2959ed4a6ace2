// Package suggest finds the name that was probably meant where an unknown one was given. It is pure.
package suggest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// redisNames maps names of Redis and of other proxies to ours.
var redisNames = map[string]string{
	"bind": "listen", "port": "listen", "address": "listen",
	"slave": "replica", "slaves": "replica", "master": "primary", "nodes": "cluster",
	"requirepass": "password-file", "masterauth": "upstream-password-file", "masteruser": "upstream-user",
	"auth": "password-file", "password": "password-file", "user": "upstream-user",
	"upstream-password": "upstream-password-file", "sentinel-password": "sentinel-password-file",
	"maxclients": "max-clients", "timeout": "idle-timeout", "loglevel": "log-level", "threads": "workers",
	"warning": "warn", "notice": "info", "verbose": "debug", "prefer-slave": "prefer-replica",
}

// DidYouMean returns `; did you mean "x"?` with the name in the form of its source, or "" without a name.
func DidYouMean(meant string, written func(string) string) string {
	if meant == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", written(meant))
}

// Nearest returns the candidate that was probably meant: given is a misspelling, Redis's own name for it, or its
// beginning. It returns "" if none is near.
func Nearest(given string, candidates []string) string {
	plain := PlainName(given)
	if synonym := redisNames[plain]; slices.Contains(candidates, synonym) {
		return synonym
	}
	if meant := Slip(plain, candidates); meant != "" {
		return meant
	}
	if synonym := redisNames[Slip(plain, slices.Sorted(maps.Keys(redisNames)))]; slices.Contains(candidates, synonym) {
		return synonym
	}
	for _, candidate := range candidates {
		if len(plain) >= 4 && strings.HasPrefix(candidate, plain) {
			return candidate
		}
	}
	return ""
}

// Slip returns the candidate that is a few typing errors away, "" if none is.
func Slip(given string, candidates []string) string {
	best, bestSlips := "", 0
	for _, candidate := range candidates {
		slips := distance(given, candidate)
		if slips <= slipsAllowed(candidate) && slips < len(candidate) && (best == "" || slips < bestSlips) {
			best, bestSlips = candidate, slips
		}
	}
	return best
}

func slipsAllowed(candidate string) int { return 1 + len(candidate)/5 }

// PlainName returns a name of snake_case or camelCase in the form of the settings.
func PlainName(name string) string {
	var b strings.Builder
	for i, r := range name {
		if i > 0 && 'A' <= r && r <= 'Z' && 'a' <= name[i-1] && name[i-1] <= 'z' {
			b.WriteByte('-')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(strings.ReplaceAll(b.String(), "_", "-"))
}

// distance returns the number of letters to insert, delete, replace or swap with their neighbour (optimal string
// alignment).
func distance(a, b string) int {
	before, row := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		next := make([]int, len(b)+1)
		next[0] = i
		for j := 1; j <= len(b); j++ {
			replaced := row[j-1]
			if a[i-1] != b[j-1] {
				replaced++
			}
			next[j] = min(replaced, row[j]+1, next[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}
