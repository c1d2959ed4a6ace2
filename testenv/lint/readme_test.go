package lint

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"evergate/testenv/servers"
)

// Whatever the README says that can be tried is tried here: its command lines, its settings, its folders.

// checkoutFile reads a file by its path from the top of the checkout.
func checkoutFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func readme(t *testing.T) string {
	t.Helper()
	return checkoutFile(t, "README.md")
}

// shellLines are the lines of all blocks "sh" of the README.
func shellLines(t *testing.T) []string {
	t.Helper()
	var lines []string
	for _, block := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```$").FindAllStringSubmatch(readme(t), -1) {
		lines = append(lines, strings.Split(strings.TrimSpace(block[1]), "\n")...)
	}
	if len(lines) < 20 {
		t.Fatalf("the README has %d lines to type", len(lines))
	}
	return lines
}

// evergate runs the binary at the top of the checkout, without variables of its own.
func evergate(t *testing.T, args ...string) (out string, err error) {
	t.Helper()
	binary, err := servers.BuildGateway()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, args...)
	cmd.Dir = "../.."
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "EVERGATE_") })
	text, err := cmd.CombinedOutput()
	return string(text), err
}

// checked makes of the words after "evergate" those that say whether they are right and start nothing.
func checked(words []string) []string {
	words = slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w == "--connect" })
	switch words[0] {
	case "run":
		words[0] = "check"
	case "drill": // its flags are read before the help is shown
		words = append(words, "--help")
	}
	return words
}

func TestReadmeCommandsAreRight(t *testing.T) {
	services := strings.Join(composeServices(t), "|")
	containers := regexp.MustCompile(`^docker compose -f docker-compose\.cluster\.yml (--profile sentinel )?` +
		`(up -d|down -v|(kill|logs|exec) (` + services + `)( redis-cli -h (` + services + `) .*)?)$`)
	for _, line := range shellLines(t) {
		words := strings.Fields(line)
		at := slices.Index(words, "evergate")
		switch {
		case words[0] == "make":
			checkMakeLine(t, line)
		case strings.HasPrefix(line, "docker compose "):
			if !containers.MatchString(line) {
				t.Errorf("%s: not a line for the compose file's services", line)
			}
		case line == "go install ./cmd/evergate" || line == "docker build -t evergate .":
		case at == 0 || strings.HasPrefix(line, "docker run ") && at > 0:
			if out, err := evergate(t, checked(words[at+1:])...); err != nil {
				t.Errorf("%s: %v\n%s", line, err, out)
			}
		default:
			t.Errorf("%s: this test does not know how to try it", line)
		}
	}
}

// checkMakeLine looks for the target, and whether the command of that name takes the arguments.
func checkMakeLine(t *testing.T, line string) {
	t.Helper()
	parts := regexp.MustCompile(`^make ([a-z]+)(?: ARGS="(.*)"| SERVER=\S+)?$`).FindStringSubmatch(line)
	if parts == nil || !strings.Contains(checkoutFile(t, "Makefile"), "\n"+parts[1]+":") {
		t.Errorf("%s: no such target", line)
		return
	}
	if parts[2] != "" {
		args := append([]string{parts[1]}, strings.Fields(parts[2])...)
		if out, err := evergate(t, append(args, "--help")...); err != nil {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
	}
}

// helpLine is a flag as the help shows it: name, what it wants, meaning, default.
var helpLine = regexp.MustCompile(`^\s+(?:-h, )?--([a-z-]+)(?:\[=\S+\])?(?: (\S+))?\s{2,}(.*?)(?: \(default (.*)\))?$`)

func TestReadmeSettingsAreThoseOfTheHelp(t *testing.T) {
	help, err := evergate(t, "run", "--help")
	if err != nil {
		t.Fatal(help, err)
	}
	want := []string{}
	for line := range strings.Lines(help) {
		m := helpLine.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if m == nil || m[1] == "help" {
			continue
		}
		flag := strings.TrimSpace("--" + m[1] + " " + strings.ReplaceAll(m[2], "|", `\|`))
		want = append(want, "| `"+flag+"` | "+m[4]+" | "+m[3]+" |")
	}
	if len(want) < 20 {
		t.Fatalf("the help shows %d settings:\n%s", len(want), help)
	}
	_, table, found := strings.Cut(readme(t), "\n|---|---|---|\n")
	if !found {
		t.Fatal("the README has no table of settings")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	if got := strings.Split(table, "\n"); !slices.Equal(got, want) {
		t.Errorf("the README's table of settings should be:\n%s", strings.Join(want, "\n"))
	}
}

func TestReadmeMapShowsEveryFolder(t *testing.T) {
	_, text, found := strings.Cut(readme(t), "## The map\n\n```\n")
	text, _, closed := strings.Cut(text, "```")
	if !found || !closed {
		t.Fatal("the README has no map")
	}
	parent := ""
	for line := range strings.Lines(text) {
		folder := strings.Fields(line)[0]
		if strings.HasPrefix(line, " ") {
			folder = parent + folder
		} else {
			parent = folder
		}
		if state, err := os.Stat(filepath.Join("..", "..", folder)); err != nil || !state.IsDir() {
			t.Errorf("%s is not there: %v", folder, err)
		}
	}
	for _, folder := range []string{"gateway", "topology", "."} {
		entries, err := os.ReadDir(filepath.Join("..", "..", folder))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			hidden := strings.HasPrefix(e.Name(), ".") || e.Name() == "testdata" || e.Name() == "bin"
			if e.IsDir() && !hidden && !regexp.MustCompile(`(?m)^ *`+e.Name()+"/").MatchString(text) {
				t.Errorf("the map lacks %s", filepath.Join(folder, e.Name()))
			}
		}
	}
}
