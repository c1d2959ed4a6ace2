package settings

import (
	"fmt"
	"runtime"
	"strings"
)

// Text lists every setting that has a value, a line each, with its source; those with their defaults only if verbose.
func (r *Resolved) Text(verbose bool) string {
	out := &strings.Builder{}
	for i := range r.Config.Services {
		service := &r.Config.Services[i]
		r.list(out, verbose, "settings of "+service.Name, i, serviceSettings, target{&r.Config, service})
	}
	r.list(out, verbose, "settings of the process", process, processSettings, target{config: &r.Config})
	return out.String()
}

// list lists some settings under a title, or nothing if none is to be listed.
func (r *Resolved) list(out *strings.Builder, verbose bool, title string, service int, of []*Setting, t target) {
	for _, s := range of {
		value := s.show(t)
		if value == "" {
			continue
		}
		if s.Name == "workers" && value == "0" {
			value = fmt.Sprintf("0 (one per core: %d)", runtime.GOMAXPROCS(0))
		}
		from := "default"
		if at, found := r.where(service, s.Name, ""); found {
			from = at.String()
		} else if !verbose {
			continue
		}
		if title != "" {
			out.WriteString(title + "\n")
			title = ""
		}
		fmt.Fprintf(out, "  %-27s %s  [%s]\n", s.Name, Masked(value), from)
	}
}
