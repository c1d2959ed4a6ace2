package drill

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"

	"evergate/testenv/drill/report"
)

// versions returns those of the programs that take part. A program that does not report its version is left out: the
// user of servers that a drill did not start may not be allowed to run INFO.
func (s *site) versions() (all []report.Version) {
	if version := s.gatewayVersion(); version != "" {
		all = append(all, report.Version{Name: report.Gateway, Version: version})
	}
	if lines, err := s.ask(s.nodes[0], "INFO", "server"); err == nil {
		text := strings.Join(lines, "\n")
		if version := infoWord(text, "valkey_version"); version != "" {
			all = append(all, report.Version{Name: "Valkey", Version: version})
		} else if version := infoWord(text, "redis_version"); version != "" {
			all = append(all, report.Version{Name: "Redis", Version: version})
		}
	}
	if s.proxy != nil {
		if out, err := exec.Command(HAProxy, "-v").Output(); err == nil {
			if m := proxyVersion.FindSubmatch(out); m != nil {
				all = append(all, report.Version{Name: "HAProxy", Version: string(m[1])})
			}
		}
	}
	return all
}

var proxyVersion = regexp.MustCompile(`^HA-?Proxy version (\S+)`)

// gatewayVersion returns the version of the path under test; empty if that is not an Evergate gateway.
func (s *site) gatewayVersion() string {
	conn, err := s.dialPath()
	if err != nil {
		return ""
	}
	defer func() { _ = conn.Close() }()
	frame, err := conn.Do("INFO", "server")
	if err != nil {
		return ""
	}
	return infoWord(string(frame), "evergate_version")
}

// machine describes the machine on which the clients of a drill run.
func machine() report.Machine {
	m := report.Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU()}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil { // on Linux alone, and not for every processor
		m.CPU = cpuModel(text)
	}
	return m
}

// cpuModel returns the processor's name in the text of /proc/cpuinfo; empty if it is not there.
func cpuModel(text []byte) string {
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if name, value, found := strings.Cut(lines.Text(), ":"); found && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
