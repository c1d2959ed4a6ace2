package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"evergate/testenv/servers"
)

const head = `# Client libraries through the gateway

Written by ` + "`make compat`" + ` on %s, with %s; do not edit. Each library does its usual work through the
gateway and then works on steadily, about 100 operations a second, while the primary that serves it is killed. It passes
when its application saw no error but UNCERTAIN (a write that was in flight when the primary died), no acknowledged
write is missing beyond the bound of the gateway's receipt, and no write was executed twice. The programs are in
` + "`testenv/clients`" + `.

Versions are those of Debian 12's packages, of ` + "`testenv/clients/node/package-lock.json`" + ` and of
` + "`testenv/clients/go/go.mod`" + `. In front of Sentinels there are a primary and two replicas (down-after 0.5 s), in
a cluster three primaries with a replica each (node timeout 2 s). With TLS, clients, servers and Sentinels speak it, and
all check certificates and names; clients of the gateway have no certificate.

| client | version | topology | what ran | result |
|---|---|---|---|---|
`

// writeTable writes the page. Clients that could not run are listed below the table.
func writeTable(path string, rows []row) error {
	binary, err := servers.ServerBinary()
	if err != nil {
		return err
	}
	version, err := servers.ServerVersion(binary)
	if err != nil {
		return err
	}
	var b, left strings.Builder
	fmt.Fprintf(&b, head, time.Now().Format(time.DateOnly), version)
	var settings []string
	for _, r := range rows {
		if r.left != "" {
			fmt.Fprintf(&left, "- %s, %s: %s\n", r.client.name, r.place, r.left)
			continue
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", r.client.name, r.results.Version, r.place,
			strings.Join(r.results.Ran, ", "), strings.ReplaceAll(r.result(), "|", "\\|"))
		if r.results.Settings != "" {
			settings = append(settings, fmt.Sprintf("- %s: %s\n", r.client.name, r.results.Settings))
		}
	}
	if len(settings) > 0 {
		b.WriteString("\nSettings that differ from the library's defaults:\n\n" + strings.Join(slices.Compact(settings), ""))
	}
	if left.Len() > 0 {
		b.WriteString("\nNot run:\n\n" + left.String())
	}
	return os.WriteFile(path, []byte(b.String()), 0o644)
}
