package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"evergate/testenv/servers"
)

// TestVersionIsStampedAsInTheDockerfile builds without .git and with the flags of the Dockerfile: the linker silently
// ignores a variable that does not exist.
func TestVersionIsStampedAsInTheDockerfile(t *testing.T) {
	servers.SkipShort(t)
	t.Parallel()
	text, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	words := regexp.MustCompile(`-X \S+=\$\{(?:VERSION|REVISION)\}`).FindAllString(string(text), -1)
	if len(words) != 2 {
		t.Fatalf("the Dockerfile stamps %q", words)
	}
	flags := strings.NewReplacer("${VERSION}", "v9.8.7", "${REVISION}", "0123abcd").Replace(strings.Join(words, " "))
	unstamped := strings.NewReplacer("${VERSION}", "", "${REVISION}", "").Replace(strings.Join(words, " "))
	for _, c := range []struct{ flags, want string }{
		{flags, "evergate version v9.8.7 (0123abcd) go"},
		{unstamped, "evergate version (devel) go"},
	} {
		binary := filepath.Join(t.TempDir(), "evergate")
		build := exec.Command("go", "build", "-buildvcs=false", "-ldflags", c.flags, "-o", binary, ".")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		out, err := exec.Command(binary, "version").Output()
		if err != nil || !strings.HasPrefix(string(out), c.want) {
			t.Errorf("%s: %q %v, want %q", c.flags, out, err, c.want)
		}
	}
}
