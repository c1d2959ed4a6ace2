package lint

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"evergate/gateway/facade"
	"evergate/gateway/status"
	"evergate/topology"
	"evergate/topology/decide"
)

// docs/reference/info.md explains every field of INFO that is the gateway's own.

const infoPage = "docs/reference/info.md"

// newerClients are fields that the gateway reports if a server has them.
const newerClients = "# Clients\r\npubsub_clients:1\r\ncluster_connections:1\r\ntracking_clients:1\r\n"

// newerStats are more of them, of another section.
const newerStats = "# Stats\r\nevicted_clients:1\r\n"

// infoTexts returns texts of INFO that together have every field: one for each kind of listener, without fields of the
// servers except these.
func infoTexts() (texts []string) {
	shard := topology.Shard{Primary: &topology.Node{Addr: "a:1"}, Provisional: true, Fence: "x", Near: 1}
	last := status.Failover{Number: 1, Began: time.Now(), Receipt: &decide.Receipt{}}
	for _, role := range []*facade.Role{nil, {Kind: facade.Cluster}, {Kind: facade.Replica},
		{Kind: facade.Sentinel, Masters: []facade.Master{{Name: "m"}}}} {
		texts = append(texts, string(status.Info(status.Facts{
			View: &topology.View{Shards: []topology.Shard{shard}}, Role: role,
			Failovers: status.FailoverHistory{Last: []status.Failover{last}},
			Servers: []status.ServerReport{{Addr: "a:1", Primary: true, Missing: "silent"},
				{Addr: "b:1", Primary: true, Text: newerClients}},
		}, []string{"all"})))
	}
	return append(texts, string(status.Info(status.Facts{
		Servers: []status.ServerReport{{Addr: "a:1", Primary: true, Text: newerStats}}}, []string{"stats"})))
}

// infoFields returns the names of the fields of INFO, with <N> for a number, and the parts of a field's value.
func infoFields() (fields []string, parts map[string][]string) {
	parts = map[string][]string{}
	for _, text := range infoTexts() {
		for line := range strings.Lines(text) {
			name, value, isField := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
			if !isField {
				continue
			}
			name = regexp.MustCompile(`^(shard|failover|master)\d+$`).ReplaceAllString(name, "$1<N>")
			if !slices.Contains(fields, name) {
				fields = append(fields, name)
			}
			for part := range strings.SplitSeq(value, ",") {
				key, _, isPart := strings.Cut(part, "=")
				if isPart && name != "evergate_missing" && !slices.Contains(parts[name], key) {
					parts[name] = append(parts[name], key)
				}
			}
		}
	}
	delete(parts, "clients_closed") // its reasons are on the page of the errors
	return fields, parts
}

// tableRow is a row of a table that begins with code.
var tableRow = regexp.MustCompile("^\\| `([^`]+)` \\|")

// explained returns the rows of a page's tables by the line before them: those of parts, and all others under "".
func explained(t *testing.T, page string) map[string][]string {
	t.Helper()
	rows := map[string][]string{}
	of := ""
	for line := range strings.Lines(checkoutFile(t, page)) {
		if m := regexp.MustCompile("^Parts of `([^`]+)`").FindStringSubmatch(line); m != nil {
			of = m[1]
		} else if m := tableRow.FindStringSubmatch(line); m != nil {
			rows[of] = append(rows[of], m[1])
		} else if line == "| field | meaning |\n" {
			of = ""
		}
	}
	return rows
}

func TestInfoPageExplainsEveryField(t *testing.T) {
	fields, parts := infoFields()
	rows := explained(t, infoPage)
	compareNames(t, infoPage, "field of INFO", rows[""], fields)
	for name, keys := range parts {
		compareNames(t, infoPage, "part of "+name, rows[name], keys)
	}
	for name := range rows {
		if name != "" && parts[name] == nil {
			t.Errorf("%s has parts of %s, which INFO does not have", infoPage, name)
		}
	}
}

// compareNames reports names that a page lacks, and names that it explains but that do not exist.
func compareNames(t *testing.T, page, what string, has, want []string) {
	t.Helper()
	for _, name := range want {
		if !slices.Contains(has, name) {
			t.Errorf("%s does not explain the %s %q: add a row, or rename the one that was it", page, what, name)
		}
	}
	for _, name := range has {
		if !slices.Contains(want, name) {
			t.Errorf("%s explains the %s %q, which is not there any more", page, what, name)
		}
	}
}
