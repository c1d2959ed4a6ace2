package lint

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	yamlfile "go.yaml.in/yaml/v4"
)

// Tests of the container files without a container engine: old and new compose understand them, the gateway's command
// line is right, the shell scripts parse. Failovers of containers are tried by hand, with the lines of
// docs/guide/docker.md.

// composeFile has the parts of the file that these tests check.
type composeFile struct {
	Services map[string]composeService `yaml:"services"`
	Volumes  map[string]any            `yaml:"volumes"`
}

type composeService struct {
	Image       string         `yaml:"image"`
	Build       any            `yaml:"build"`
	Profiles    []string       `yaml:"profiles"`
	Command     any            `yaml:"command"`
	Ports       []string       `yaml:"ports"`
	Hostname    string         `yaml:"hostname"`
	Volumes     []string       `yaml:"volumes"`
	Healthcheck map[string]any `yaml:"healthcheck"`
	DNSOpt      []string       `yaml:"dns_opt"`
	DNSSearch   string         `yaml:"dns_search"`
}

func readCompose(t *testing.T) composeFile {
	t.Helper()
	var file composeFile
	if err := yamlfile.Unmarshal([]byte(checkoutFile(t, "docker-compose.cluster.yml")), &file); err != nil {
		t.Fatal(err)
	}
	return file
}

func composeServices(t *testing.T) []string {
	t.Helper()
	names := []string{}
	for name := range readCompose(t).Services {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func TestComposeStartsWhatItSays(t *testing.T) {
	want := map[string][]string{
		"cluster": {"gateway", "node-1", "node-2", "node-3", "node-4", "node-5", "node-6"},
		"sentinel": {"redis-1", "redis-2", "redis-3", "sentinel-1", "sentinel-2", "sentinel-3",
			"sentinel-gateway"},
		"monitoring": {"grafana", "prometheus"},
	}
	file := readCompose(t)
	got := map[string][]string{}
	for _, name := range composeServices(t) {
		s := file.Services[name]
		if len(s.Profiles) != 1 {
			t.Errorf("%s has the profiles %v", name, s.Profiles)
			continue
		}
		got[s.Profiles[0]] = append(got[s.Profiles[0]], name)
		if s.Healthcheck["test"] == nil {
			t.Errorf("%s has no health check", name)
		}
		if !slices.Contains(s.DNSOpt, "ndots:1") || s.DNSSearch != "." {
			t.Errorf("%s asks name servers outside for the names of services that are down", name)
		}
		switch {
		case s.Profiles[0] == "monitoring":
			checkComposeMonitoring(t, name, s, file.Volumes)
		case strings.HasSuffix(name, "gateway"):
			checkComposeGateway(t, name, s)
		default:
			checkComposeServer(t, name, s, file.Volumes)
		}
	}
	for profile, names := range want {
		if !slices.Equal(got[profile], names) {
			t.Errorf("profile %s: %v", profile, got[profile])
		}
	}
	if env := checkoutFile(t, ".env"); !strings.Contains(env, "\nCOMPOSE_PROFILES=cluster\n") {
		t.Error("without a profile named, .env must choose the cluster")
	}
}

func checkComposeGateway(t *testing.T, name string, s composeService) {
	t.Helper()
	if s.Image != "${EVERGATE_IMAGE:-evergate:local}" || s.Build == nil {
		t.Errorf("%s: image %q, build %v", name, s.Image, s.Build)
	}
	port, adminPort := "${EVERGATE_PORT:-6379}", "${EVERGATE_ADMIN_PORT:-9121}"
	if name == "sentinel-gateway" {
		port, adminPort = "${EVERGATE_SENTINEL_PORT:-6380}", "${EVERGATE_SENTINEL_ADMIN_PORT:-9122}"
	}
	const bind = "${EVERGATE_BIND:-127.0.0.1}:"
	if want := []string{bind + port + ":6379", bind + adminPort + ":9121"}; !slices.Equal(s.Ports, want) {
		t.Errorf("%s publishes %v, want %v", name, s.Ports, want)
	}
	command, _ := s.Command.(string)
	if out, err := evergate(t, checked(strings.Fields(command))...); err != nil {
		t.Errorf("%s: %v\n%s", name, err, out)
	}
	services := composeServices(t)
	for _, host := range regexp.MustCompile(`([a-z]+-[0-9]):`).FindAllStringSubmatch(command, -1) {
		if !slices.Contains(services, host[1]) {
			t.Errorf("%s asks %s, which is no service", name, host[1])
		}
	}
}

func checkComposeServer(t *testing.T, name string, s composeService, volumes map[string]any) {
	t.Helper()
	_, declared := volumes[name]
	if s.Image != "${EVERGATE_REDIS_IMAGE:-redis:7.4}" || len(s.Ports) > 0 || s.Hostname != name || !declared ||
		!slices.Equal(s.Volumes, []string{name + ":/data"}) {
		t.Errorf("%s: image %q, ports %v, hostname %q, volumes %v", name, s.Image, s.Ports, s.Hostname, s.Volumes)
	}
	command, _ := s.Command.([]any)
	if len(command) != 3 || command[0] != "sh" || command[1] != "-euc" {
		t.Fatalf("%s runs %v", name, s.Command)
	}
	script := command[2].(string)
	if odd := regexp.MustCompile(`(^|[^$])(\$\$)*\$([^$]|$)`).FindString(script); odd != "" {
		t.Errorf("%s: compose would replace %q itself: write $$", name, odd)
	}
	parse := exec.Command("sh", "-n")
	parse.Stdin = strings.NewReader(strings.ReplaceAll(script, "$$", "$"))
	if out, err := parse.CombinedOutput(); err != nil {
		t.Errorf("%s: %v: %s", name, err, out)
	}
}

// checkComposeMonitoring: a port on loopback only, and mounts of what is there.
func checkComposeMonitoring(t *testing.T, name string, s composeService, volumes map[string]any) {
	t.Helper()
	if len(s.Ports) != 1 || !strings.HasPrefix(s.Ports[0], "${EVERGATE_BIND:-127.0.0.1}:") {
		t.Errorf("%s publishes %v", name, s.Ports)
	}
	if !regexp.MustCompile(`^\$\{EVERGATE_[A-Z]+_IMAGE:-[a-z/]+:v?[0-9.]+\}$`).MatchString(s.Image) {
		t.Errorf("%s has the image %q: no version, or no variable", name, s.Image)
	}
	for _, mount := range s.Volumes {
		source, _, _ := strings.Cut(mount, ":")
		_, declared := volumes[source]
		if declared {
			continue
		}
		if _, err := os.Stat(filepath.Join("..", "..", source)); err != nil || !strings.HasSuffix(mount, ":ro") {
			t.Errorf("%s mounts %s: %v", name, mount, err)
		}
	}
}

// composeKeys are the words of compose that docker-compose 1.29 and docker compose 2 both understand, as far as this
// file needs them. Look up a new word in both before you add it.
var composeKeys = map[string][]string{
	"": {"services", "volumes"},
	"services": {"build", "cap_drop", "command", "dns_opt", "dns_search", "environment", "healthcheck", "hostname",
		"image", "init", "ports", "profiles", "read_only", "stop_grace_period", "volumes"},
	"build":       {"args", "context"},
	"healthcheck": {"interval", "retries", "start_period", "test", "timeout"},
}

func TestComposeUsesWordsThatOldAndNewKnow(t *testing.T) {
	var file map[string]any
	if err := yamlfile.Unmarshal([]byte(checkoutFile(t, "docker-compose.cluster.yml")), &file); err != nil {
		t.Fatal(err)
	}
	known := func(where string, mapping any) {
		words, _ := mapping.(map[string]any)
		for word := range words {
			if !slices.Contains(composeKeys[where], word) && !strings.HasPrefix(word, "x-") {
				t.Errorf("%q under %q may be unknown to an older or a newer compose", word, where)
			}
		}
	}
	known("", file)
	for _, service := range file["services"].(map[string]any) {
		known("services", service)
		known("build", service.(map[string]any)["build"])
		known("healthcheck", service.(map[string]any)["healthcheck"])
	}
}

func TestImageIsSmallAndSafe(t *testing.T) {
	_, final, found := strings.Cut(checkoutFile(t, "Dockerfile"), "\nFROM scratch\n")
	if !found {
		t.Fatal("the last stage is not FROM scratch")
	}
	for _, line := range []string{`USER [0-9]+:[0-9]+`, `HEALTHCHECK .*CMD \["/evergate", "healthcheck"\]`,
		`STOPSIGNAL SIGTERM`, `EXPOSE 6379`, `ENTRYPOINT \["/evergate"\]`, `COPY --from=build /evergate /evergate`,
		`COPY --from=build (/etc/ssl/certs/ca-certificates.crt) /etc/ssl/certs/ca-certificates.crt`} {
		if !regexp.MustCompile(`(?m)^` + line + `$`).MatchString(final) {
			t.Errorf("no line %s", line)
		}
	}
	if !strings.Contains(checkoutFile(t, "Dockerfile"), "CGO_ENABLED=0 go build -trimpath") {
		t.Error("the binary is not static, or tells where it was built")
	}
	for line := range strings.Lines(checkoutFile(t, ".gitignore")) {
		if !strings.Contains(checkoutFile(t, ".dockerignore"), strings.Trim(line, "/\n")) {
			t.Errorf(".dockerignore lacks %s", line)
		}
	}
}
