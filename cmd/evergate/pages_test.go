package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestManPagesHaveEveryCommandAndFlag compares the pages with the help; mandoc reads them, where it is installed.
func TestManPagesHaveEveryCommandAndFlag(t *testing.T) {
	dir := t.TempDir()
	if code, _, errOut := try([]string{"manual", dir}, []string{"SOURCE_DATE_EPOCH=86400"}); code != exitOK {
		t.Fatal(code, errOut)
	}
	_, help, _ := try([]string{"--help"}, nil)
	for _, command := range regexp.MustCompile(`(?m)^  ([a-z]+) +[A-Z]`).FindAllStringSubmatch(help, -1) {
		if name := command[1]; name != "help" && name != "completion" {
			checkPage(t, dir, name)
		}
	}
	if pages, err := filepath.Glob(filepath.Join(dir, "evergate*.1")); err != nil || len(pages) < 8 {
		t.Errorf("only %v %v", pages, err)
	}
	if code, _, errOut := try([]string{"manual", dir}, []string{"SOURCE_DATE_EPOCH=today"}); code != exitWrong {
		t.Error(code, errOut)
	}
	if code, _, _ := try([]string{"manual", filepath.Join(dir, "missing")}, nil); code != exitFailed {
		t.Error("a folder that does not exist is no error")
	}
}

func checkPage(t *testing.T, dir, command string) {
	t.Helper()
	name := filepath.Join(dir, "evergate-"+command+".1")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Error(err)
		return
	}
	page := strings.ReplaceAll(string(text), `\-`, "-")
	_, help, _ := try([]string{command, "--help"}, nil)
	flags := regexp.MustCompile(`(?m)^ +(?:-., )?--([a-z-]+)`).FindAllStringSubmatch(help, -1)
	for _, flag := range flags {
		if !strings.Contains(page, `\fB--`+flag[1]+`\fR`) {
			t.Errorf("%s lacks --%s", filepath.Base(name), flag[1])
		}
	}
	if len(flags) == 0 || !strings.Contains(page, ` 1 "1970-01-02" "evergate `) {
		t.Errorf("%s: %d flags\n%s", filepath.Base(name), len(flags), page)
	}
	if mandoc, err := exec.LookPath("mandoc"); err == nil {
		out, _ := exec.Command(mandoc, "-Tlint", "-Wwarning", name).CombinedOutput()
		if len(out) > 0 {
			t.Errorf("%s", out)
		}
	}
}
