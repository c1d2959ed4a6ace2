package lint

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"evergate/gateway/config"
	"evergate/testenv/servers"
)

// Tests of everything in the docs that can be tried: command lines, flags, variables, settings, folders.

// checkoutFile reads a file by its path from the top of the checkout.
func checkoutFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// docFiles returns the paths of all texts for strangers, from the top of the checkout.
func docFiles(t *testing.T) []string {
	t.Helper()
	files := []string{"README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"}
	err := filepath.WalkDir("../../docs", func(path string, e fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".md") {
			files = append(files, filepath.ToSlash(strings.TrimPrefix(path, "../../")))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 20 {
		t.Fatalf("only %d docs: %v", len(files), files)
	}
	return files
}

const readmeLinesMax = 150

func TestReadmeIsShort(t *testing.T) {
	if n := strings.Count(checkoutFile(t, "README.md"), "\n"); n > readmeLinesMax {
		t.Errorf("README.md has %d lines, at most %d are allowed: move details to docs/", n, readmeLinesMax)
	}
}

// shellBlock is a block "sh" of a Markdown file.
var shellBlock = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

// shellLines returns the command lines of all blocks "sh" of a file, without comments; a line that ends in a backslash
// is joined with the next one.
func shellLines(t *testing.T, path string) (lines []string) {
	t.Helper()
	for _, block := range shellBlock.FindAllStringSubmatch(checkoutFile(t, path), -1) {
		for line := range strings.Lines(strings.ReplaceAll(block[1], "\\\n", " ")) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
				lines = append(lines, line)
			}
		}
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

// checked returns the words after "evergate" changed so that they only check the command line and start nothing.
func checked(words []string) []string {
	words = slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w == "--connect" })
	if i := slices.Index(words, "/etc/evergate/evergate.yaml"); i >= 0 {
		words[i] = "cmd/evergate/package/evergate.yaml" // which a package installs there
	}
	switch words[0] {
	case "run":
		words[0] = "check"
	case "drill", "reload", "top": // their flags are parsed before the help is printed
		words = append(words, "--help")
	}
	return words
}

func TestDocsCommandsAreRight(t *testing.T) {
	count := 0
	for _, path := range docFiles(t) {
		for _, line := range shellLines(t, path) {
			count++
			if wrong := tryLine(t, line); wrong != "" {
				t.Errorf("%s: %s: %s", path, line, wrong)
			}
		}
	}
	if count < 50 {
		t.Errorf("the docs have only %d lines to type", count)
	}
}

// tryLine returns what is wrong with a command line; it starts nothing.
func tryLine(t *testing.T, line string) (wrong string) {
	t.Helper()
	words := strings.Fields(line)
	at := slices.IndexFunc(words, func(w string) bool { return w == "evergate" || w == "./evergate" })
	switch {
	case words[0] == "make":
		return tryMake(t, line)
	case strings.HasPrefix(line, "docker compose "):
		if !composeLine(t).MatchString(line) {
			return "not a line for the compose file's services"
		}
	case at == 0 || strings.HasPrefix(line, "docker run ") && at > 0:
		if out, err := evergate(t, checked(words[at+1:])...); err != nil {
			return fmt.Sprintf("%v\n%s", err, out)
		}
	case line == "go install ./cmd/evergate", line == "docker build -t evergate .", words[0] == "redis-cli":
	case systemLine.MatchString(line):
	case words[0] == "go", words[0] == "python3":
		return tryPaths(words)
	default:
		return "this test does not know how to try it"
	}
	return ""
}

// systemLine matches the command lines that install a package and run its units.
var systemLine = regexp.MustCompile(`^(systemctl (enable --now|restart|status) (evergate|evergate\.socket)` +
	`|journalctl -u evergate|sha256sum --ignore-missing -c SHA256SUMS` +
	`|apt-get install (--allow-downgrades )?\./evergate_[0-9.]+_amd64\.deb)$`)

// composeLine matches the command lines for the containers of the compose file.
func composeLine(t *testing.T) *regexp.Regexp {
	t.Helper()
	services := strings.Join(composeServices(t), "|")
	return regexp.MustCompile(`^docker compose -f docker-compose\.cluster\.yml ` +
		`(--profile (cluster|sentinel|monitoring) )*` +
		`(up -d|down -v|(kill|logs|exec) (` + services + `)( redis-cli -h (` + services + `) .*)?)$`)
}

// tryPaths checks that the folders and files of the checkout that a line names exist, and the tests that it runs.
func tryPaths(words []string) (wrong string) {
	for i, word := range words {
		if path := strings.TrimSuffix(word, "/..."); strings.HasPrefix(path, "./") || strings.HasPrefix(path, "testenv/") {
			if _, err := os.Stat(filepath.Join("..", "..", path)); err != nil {
				return err.Error()
			}
			if i > 1 && words[i-2] == "-run" && !declares(path, words[i-1]) {
				return "no test of that name"
			}
		}
	}
	return ""
}

// declares reports whether a folder has a test whose name contains part.
func declares(folder, part string) bool {
	tests, _ := filepath.Glob(filepath.Join("..", "..", folder, "*_test.go"))
	return slices.ContainsFunc(tests, func(path string) bool {
		text, err := os.ReadFile(path)
		return err == nil && regexp.MustCompile(`(?m)^func Test\w*`+strings.TrimPrefix(part, "Test")).Match(text)
	})
}

// tryMake checks the target and its variable, and that the command of that name accepts the arguments.
func tryMake(t *testing.T, line string) (wrong string) {
	t.Helper()
	makefile := checkoutFile(t, "Makefile")
	parts := regexp.MustCompile(`^make ([a-z-]+)(?: ([A-Z]+)=(\S+|"[^"]*"))?$`).FindStringSubmatch(line)
	if parts == nil || !strings.Contains(makefile, "\n"+parts[1]+":") {
		return "no such target"
	}
	if parts[2] != "" && !strings.Contains(makefile, "$("+parts[2]+")") {
		return "the Makefile has no variable " + parts[2]
	}
	switch args := strings.Trim(parts[3], `"`); {
	case parts[2] != "ARGS":
	case parts[1] == "demo", parts[1] == "drills":
		words := append([]string{strings.TrimSuffix(parts[1], "s")}, strings.Fields(args)...)
		if out, err := evergate(t, append(words, "--help")...); err != nil {
			return fmt.Sprintf("%v\n%s", err, out)
		}
	default:
		return tryToolFlags(t, makefile, parts[1], args)
	}
	return ""
}

// tryToolFlags checks that the sources of the tool that a target runs have each flag.
func tryToolFlags(t *testing.T, makefile, target, args string) (wrong string) {
	t.Helper()
	tool := regexp.MustCompile(`(?ms)^` + target + `:.*?go run \./(\S+)[^\n]*\$\(ARGS\)`).FindStringSubmatch(makefile)
	if tool == nil {
		return target + " takes no ARGS"
	}
	files, _ := filepath.Glob(filepath.Join("..", "..", tool[1], "*.go"))
	text := ""
	for _, path := range files {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text += string(source)
	}
	for _, m := range regexp.MustCompile(`(?:^| )-([a-z-]+)`).FindAllStringSubmatch(args, -1) {
		if !strings.Contains(text, `"`+m[1]+`"`) {
			return fmt.Sprintf("%s has no flag -%s", tool[1], m[1])
		}
	}
	return ""
}

const settingsPage = "docs/reference/settings.md"

// helpLine matches a flag in the help: name, placeholder, meaning, default.
var helpLine = regexp.MustCompile(`^\s+(?:-h, )?--([a-z-]+)(?:\[=\S+\])?(?: (\S+))?\s{2,}(.*?)(?: \(default (.*)\))?$`)

func TestDocsSettingsAreThoseOfTheHelp(t *testing.T) {
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
		reload := "restart"
		if can, _ := config.Reloads(m[1]); can {
			reload = "yes"
		}
		want = append(want, "| `"+flag+"` | "+m[4]+" | "+m[3]+" | "+reload+" |")
	}
	if len(want) < 20 {
		t.Fatalf("the help shows %d settings:\n%s", len(want), help)
	}
	_, table, found := strings.Cut(checkoutFile(t, settingsPage), "\n|---|---|---|---|\n")
	if !found {
		t.Fatalf("%s has no table of settings", settingsPage)
	}
	table, _, _ = strings.Cut(table, "\n\n")
	if got := strings.Split(table, "\n"); !slices.Equal(got, want) {
		t.Errorf("the table of %s should be:\n%s", settingsPage, strings.Join(want, "\n"))
	}
}

func TestDocsMapShowsEveryFolder(t *testing.T) {
	_, text, found := strings.Cut(checkoutFile(t, "docs/internals/architecture.md"), "## The map\n\n```\n")
	text, _, closed := strings.Cut(text, "```")
	if !found || !closed {
		t.Fatal("docs/internals/architecture.md has no map")
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
