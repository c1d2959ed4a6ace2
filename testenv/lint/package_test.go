package lint

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Quick tests of what packages contain; make release-test installs them.

const packageFolder = "../../cmd/evergate/package/"

func TestPackagedSettingsPassCheck(t *testing.T) {
	if out, err := evergate(t, "check", "--config", "cmd/evergate/package/evergate.yaml"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	// What stands in a comment is right, too: an administrator only removes the sign.
	text := checkoutFile(t, "cmd/evergate/package/evergate.yaml")
	settings := regexp.MustCompile(`(?m)^(# )?([a-z-]+): `).FindAllStringSubmatch(text, -1)
	help, _ := evergate(t, "run", "--help")
	for _, setting := range settings {
		if !strings.Contains(help, " --"+setting[2]+" ") {
			t.Errorf("there is no setting %s", setting[2])
		}
	}
	if len(settings) < 10 {
		t.Errorf("only the settings %v", settings)
	}
}

// TestUnitsListenWhereTheSettingsDo: a socket that fits no listener fails the start.
func TestUnitsListenWhereTheSettingsDo(t *testing.T) {
	settings := checkoutFile(t, "cmd/evergate/package/evergate.yaml")
	listen := regexp.MustCompile(`(?m)^listen: (.+)$`).FindStringSubmatch(settings)
	if !strings.Contains(checkoutFile(t, "cmd/evergate/package/evergate.socket"), "\nListenStream="+listen[1]+"\n") {
		t.Errorf("evergate.socket does not listen on %s", listen[1])
	}
}

// exposureMax is the most that systemd-analyze may report, in tenths.
const exposureMax = "25"

func TestUnitsAreValidAndHardened(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	dir := t.TempDir()
	for _, name := range []string{"evergate.service", "evergate.socket"} {
		text := checkoutFile(t, "cmd/evergate/package/"+name)
		text = strings.ReplaceAll(text, "/usr/bin/evergate", "/bin/sh") // the program must exist
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	service := filepath.Join(dir, "evergate.service")
	for _, args := range [][]string{
		{"verify", "--man=no", service, filepath.Join(dir, "evergate.socket")},
		{"security", "--offline=true", "--threshold=" + exposureMax, service},
	} {
		out, err := exec.Command(analyze, args...).CombinedOutput()
		if strings.Contains(string(out), "unrecognized option") { // before systemd 250
			continue
		}
		if err != nil {
			t.Errorf("systemd-analyze %s: %v\n%s", args[0], err, out)
		}
	}
}

func TestPackageScriptsAndFilesExist(t *testing.T) {
	scripts, err := filepath.Glob(packageFolder + "*.sh")
	if err != nil || len(scripts) != 5 {
		t.Error(scripts, err)
	}
	for _, script := range append(scripts, "../release/test.sh", "../release/inside.sh") {
		if out, err := exec.Command("sh", "-n", script).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", script, err, out)
		}
	}
	packaged := checkoutFile(t, "cmd/evergate/package/nfpm.yaml")
	for _, file := range regexp.MustCompile(`(?:src|install|remove): "?([^$",}\n]+)`).FindAllStringSubmatch(packaged, -1) {
		if found, err := filepath.Glob(packageFolder + file[1]); err != nil || len(found) == 0 {
			t.Errorf("nfpm.yaml names %s: %v", file[1], err)
		}
	}
	holder := regexp.MustCompile(`Copyright (2\d+ .+)`).FindStringSubmatch(checkoutFile(t, "LICENSE"))[1]
	if !strings.Contains(checkoutFile(t, "cmd/evergate/package/copyright"), "Copyright: "+holder+"\n") {
		t.Errorf("copyright lacks %q", holder)
	}
}
