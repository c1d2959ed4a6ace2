package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"evergate/gateway/config"
)

var rewrite = flag.Bool("rewrite", false, "write what came out into testdata; a person reads the diff")

// secretText is the password in every golden file; no output may contain it.
const secretText = "hunter2"

// TestGolden runs each testdata/*.txt: sections "-- args --", "-- env --", "-- want --", and files by any other name,
// which are written to the working directory of the command.
func TestGolden(t *testing.T) {
	scripts, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(scripts) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, script := range scripts {
		path, err := filepath.Abs(script)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(script), ".txt"), func(t *testing.T) { runScript(t, path) })
	}
}

type section struct{ name, text string }

func readSections(t *testing.T, path string) []section {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var sections []section
	for line := range strings.Lines(string(text)) {
		name, isHead := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "-- ")
		if name, hasTail := strings.CutSuffix(name, " --"); isHead && hasTail {
			sections = append(sections, section{name: name})
			continue
		}
		if len(sections) == 0 {
			t.Fatal("text before the first section")
		}
		sections[len(sections)-1].text += line
	}
	return sections
}

func runScript(t *testing.T, path string) {
	t.Chdir(t.TempDir())
	sections := readSections(t, path)
	var args, environ []string
	want := ""
	for _, s := range sections {
		switch s.name {
		case "args":
			args = strings.Fields(s.text)
		case "env":
			environ = strings.Split(strings.TrimSpace(s.text), "\n")
		case "want":
			want = s.text
		default:
			if err := os.WriteFile(s.name, []byte(s.text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	code, out, errOut := try(args, environ)
	got := out + errOut + fmt.Sprintf("exit %d\n", code)
	// The number of cores differs between machines.
	got = strings.ReplaceAll(got, fmt.Sprintf("(one per core: %d)", cores()), "(one per core: N)")
	if strings.Contains(got, secretText) {
		t.Errorf("shows a secret:\n%s", got)
	}
	if *rewrite {
		rewriteScript(t, path, sections, got)
	} else if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func rewriteScript(t *testing.T, path string, sections []section, got string) {
	var b bytes.Buffer
	for _, s := range append(sections, section{name: "want"}) {
		if s.name == "want" {
			fmt.Fprintf(&b, "-- want --\n%s", got)
			break
		}
		fmt.Fprintf(&b, "-- %s --\n%s", s.name, s.text)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// try runs a command line with a gateway that never starts.
func try(args, environ []string) (code int, out, errOut string) {
	var stdout, stderr bytes.Buffer
	code = execute(args, world{stdout: &stdout, stderr: &stderr, environ: environ,
		notify: func() (<-chan os.Signal, func()) { return nil, func() {} },
		start:  func(config.Gateway, hclog.Logger) (*running, error) { return nil, errNotStarted }})
	return code, stdout.String(), stderr.String()
}

var errNotStarted = fmt.Errorf("would have started")

func cores() int { return runtime.GOMAXPROCS(0) }
