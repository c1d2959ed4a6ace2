package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"evergate/gateway/acks"
)

func sound() Gateway {
	c := Default()
	s := DefaultService()
	s.Primary = "10.0.0.1:6379"
	c.Services = []Service{s}
	return c
}

func TestDefaultsAreSound(t *testing.T) {
	if err := sound().Validate(); err != nil {
		t.Fatal(err)
	}
	written := Gateway{Services: []Service{{Listen: []string{"127.0.0.1:0", "127.0.0.1:0"}, Cluster: []string{"a:1"}}}}
	if err := written.Filled().Validate(); err != nil {
		t.Fatal(err)
	}
	if written.Services[0].Reads != "" {
		t.Fatal("Filled changed the Gateway it was called on")
	}
}

func TestValidateFindsEachFault(t *testing.T) {
	change := func(f func(c *Gateway, s *Service)) Gateway {
		c := sound()
		f(&c, &c.Services[0])
		return c
	}
	for want, c := range map[string]Gateway{
		"services: has no service":              {},
		"workers: -1 is not between 0 and 1024": change(func(c *Gateway, _ *Service) { c.Workers = -1 }),
		"drain-timeout: 0s is not between":      change(func(c *Gateway, _ *Service) { c.DrainTimeout = 0 }),
		"idle-timeout: -1s is not between": change(func(c *Gateway, _ *Service) {
			c.Limits.IdleMax = -time.Second
		}),
		"proto-max-bulk-len: 5 bytes is not between": change(func(c *Gateway, _ *Service) {
			c.Limits.BulkBytesMax = 5
		}),
		"proto-max-bulk-len: is more than client-query-": change(func(c *Gateway, _ *Service) {
			c.Limits.QueryBytesMax = 1 << 20
		}),
		`log-level: "loud" is not one of`: change(func(c *Gateway, _ *Service) { c.LogLevel = "loud" }),
		`reads: "nearest" is not one of`:  change(func(_ *Gateway, s *Service) { s.Reads = "nearest" }),
		`hold: "a:1" is not one of the addresses of listen`: change(func(_ *Gateway, s *Service) {
			s.ListenHold = map[string]Hold{"a:1": {}}
		}),
		`acks: 3 replicas must confirm each write, and replica names only 2`: change(func(_ *Gateway, s *Service) {
			s.Replicas, s.Acks.Level = []string{"10.0.0.2:6379", "10.0.0.3:6379"}, 3
		}),
		`acks: 17 is not between 0 and 16`:      change(func(_ *Gateway, s *Service) { s.Acks.Level = 17 }),
		`acks-timeout: 0s is not between 1ms`:   change(func(_ *Gateway, s *Service) { s.Acks.Timeout = 0 }),
		`acks-timeout: 192h0m0s is not between`: change(func(_ *Gateway, s *Service) { s.Acks.Timeout = 8 * 24 * time.Hour }),
		`acks: "a:1" is not one of the addresses of listen`: change(func(_ *Gateway, s *Service) {
			s.Acks.ListenLevel = map[string]acks.Level{"a:1": acks.All}
		}),
		`acks-timeout: "` + DefaultListen + `" is a replica facade, where nothing is written`: change(
			func(_ *Gateway, s *Service) {
				s.ListenFacade = map[string]Facade{DefaultListen: FacadeReplica}
				s.Acks.ListenTimeout = map[string]time.Duration{DefaultListen: time.Second}
			}),
		`user-settings: acks of "default": 3 replicas must confirm`: change(func(_ *Gateway, s *Service) {
			level := acks.Level(3)
			s.Replicas, s.UserSettings = []string{"10.0.0.2:6379"}, map[string]UserSettings{"default": {Acks: &level}}
		}),
		`hold: 0s is not between 1ms and`: change(func(_ *Gateway, s *Service) { s.Hold.Mode = HoldFor }),
		`hold: 240h0m0s is not between`: change(func(_ *Gateway, s *Service) {
			s.ListenHold = map[string]Hold{s.Listen[0]: {Mode: HoldFor, Window: 240 * time.Hour}}
		}),
		`silent-after: 1ms is not between 10ms and`: change(func(_ *Gateway, s *Service) {
			s.SilentAfter = time.Millisecond
		}),
		`fence-minority: needs sentinel`: change(func(_ *Gateway, s *Service) { s.FenceMinority = true }),
		`hedge: needs reads: no client reads from replicas`: change(func(_ *Gateway, s *Service) {
			s.Hedge.P99, s.Reads = true, ReadPrimary
		}),
		`hedge: conflicts with consistency strong`: change(func(_ *Gateway, s *Service) {
			s.Hedge.P99, s.Reads, s.Consistency = true, ReadPreferReplica, ConsistencyStrong
		}),
		`hedge: needs a second replica`: change(func(_ *Gateway, s *Service) {
			s.Hedge.P99, s.Reads, s.Replicas = true, ReadPreferReplica, []string{"10.0.0.2:6379"}
		}),
		`hedge: 500µs is not between 1ms and`: change(func(_ *Gateway, s *Service) {
			s.Hedge.After, s.Reads = 500*time.Microsecond, ReadReplica
		}),
		`hedge: -1s is not between 1ms and`: change(func(_ *Gateway, s *Service) {
			s.Hedge.After, s.Reads = -time.Second, ReadReplica
		}),
		`zone-map: needs zone`: change(func(_ *Gateway, s *Service) { s.ZoneMap = map[string]string{"h": "a"} }),
		`zone: needs reads`:    change(func(_ *Gateway, s *Service) { s.Zone, s.Reads = "a", ReadPrimary }),
		`reads: "127.0.0.1:9" is not one of the addresses`: change(func(_ *Gateway, s *Service) {
			s.ListenReads = map[string]ReadPolicy{"127.0.0.1:9": ReadPrimary}
		}),
		`reads: "far" is not one of`: change(func(_ *Gateway, s *Service) {
			s.ListenReads = map[string]ReadPolicy{s.Listen[0]: "far"}
		}),
		`reads: "auto" is not possible where those of the service are "replica"`: change(func(_ *Gateway, s *Service) {
			s.Reads, s.ListenReads = ReadReplica, map[string]ReadPolicy{s.Listen[0]: ReadAuto}
		}),
		`zone: "c" is the zone of no server: zone-map has a, b`: change(func(_ *Gateway, s *Service) {
			s.Zone, s.Reads, s.ZoneMap = "c", ReadPreferReplica, map[string]string{"h": "b", "i": "a", "j:1": "a"}
		}),
		`zone-map: "10.0.0.0/99" is no network`: change(func(_ *Gateway, s *Service) {
			s.Zone, s.Reads, s.ZoneMap = "a", ReadPreferReplica, map[string]string{"10.0.0.0/99": "a"}
		}),
		`zone-map: "*:1" is no pattern`: change(func(_ *Gateway, s *Service) {
			s.Zone, s.Reads, s.ZoneMap = "a", ReadPreferReplica, map[string]string{"*:1": "a"}
		}),
		`zone-map: "h:x" `: change(func(_ *Gateway, s *Service) {
			s.Zone, s.Reads, s.ZoneMap = "a", ReadPreferReplica, map[string]string{"h:x": "a"}
		}),
		`zone: "a b" contains a space`: change(func(_ *Gateway, s *Service) {
			s.Zone, s.Reads = "a b", ReadPreferReplica
		}),
		`confirm: needs sentinel`:                   change(func(_ *Gateway, s *Service) { s.Confirm = ConfirmMajority }),
		`confirm: "me" is not one of`:               change(func(_ *Gateway, s *Service) { s.Confirm = "me" }),
		`hold-sessions-max: 0 is not between 1 and`: change(func(c *Gateway, _ *Service) { c.Limits.HoldSessionsMax = 0 }),
		`private-connections-max: 0 is not between`: change(func(c *Gateway, _ *Service) { c.Limits.PrivateMax = 0 }),
		`private-connections-max: is less than workers`: change(func(c *Gateway, _ *Service) {
			c.Workers, c.Limits.PrivateMax = 4, 3
		}),
		`blocking-lost: "never" is not one of`:   change(func(_ *Gateway, s *Service) { s.BlockingLost = "never" }),
		`hold-bytes-max: 1 bytes is not between`: change(func(c *Gateway, _ *Service) { c.Limits.HoldBytesMax = 1 }),
		`name: "a b" is not`:                     change(func(_ *Gateway, s *Service) { s.Name = "a b" }),
		"upstream: is missing":                   change(func(_ *Gateway, s *Service) { s.Primary = "" }),
		"primary: conflicts with cluster":        change(func(_ *Gateway, s *Service) { s.Cluster = []string{"a:1"} }),
		"sentinel: needs master-name": change(func(_ *Gateway, s *Service) {
			s.Primary, s.Sentinels = "", []string{"a:26379"}
		}),
		"master-name: needs sentinel":         change(func(_ *Gateway, s *Service) { s.MasterName = "m" }),
		"replica: is the primary itself":      change(func(_ *Gateway, s *Service) { s.Replicas = []string{s.Primary} }),
		`primary: "db" has no port`:           change(func(_ *Gateway, s *Service) { s.Primary = "db" }),
		`primary: "::1" has no port; IPv6 is`: change(func(_ *Gateway, s *Service) { s.Primary = "::1" }),
		`primary: "db:0" has no port from 1`:  change(func(_ *Gateway, s *Service) { s.Primary = "db:0" }),
		`primary: ":6379" has no host`:        change(func(_ *Gateway, s *Service) { s.Primary = ":6379" }),
		`primary: "***@db:1" is a URL`:        change(func(_ *Gateway, s *Service) { s.Primary = "redis://:pw@db:1" }),
		`replica: "r:1" is listed twice`:      change(func(_ *Gateway, s *Service) { s.Replicas = []string{"r:1", "r:1"} }),
		"listen: is missing":                  change(func(_ *Gateway, s *Service) { s.Listen = nil }),
		`listen: "/run/x" is a path`:          change(func(_ *Gateway, s *Service) { s.Listen = []string{"/run/x"} }),
		`listen: "0.0.0.0:1" is reachable`:    change(func(_ *Gateway, s *Service) { s.Listen = []string{"0.0.0.0:1"} }),
		`listen: ":1" is reachable`:           change(func(_ *Gateway, s *Service) { s.Listen = []string{":1"} }),
		"no-auth: conflicts with": change(func(_ *Gateway, s *Service) {
			s.NoAuth, s.Password.Value = true, "pw"
		}),
		"password-file: conflicts with password": change(func(_ *Gateway, s *Service) { s.Password = Secret{"f", "pw"} }),
		"upstream-user: needs upstream-passwo":   change(func(_ *Gateway, s *Service) { s.Upstream.User = "u" }),
		"sentinel-password-file: needs sentin":   change(func(_ *Gateway, s *Service) { s.Sentinel.Password.File = "f" }),
		`address-map: "x:y" has no port`: change(func(_ *Gateway, s *Service) {
			s.AddressMap = map[string]string{"a": "x:y"}
		}),
		`"127.0.0.1:6379" is listed twice; service "default" listens there`: change(
			func(c *Gateway, s *Service) { c.Services = append(c.Services, *s) }),
	} {
		if got := fmt.Sprint(c.Validate()); !strings.Contains(got, want) {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
}

func TestValidateReportsAllAtOnce(t *testing.T) {
	c := sound()
	c.Workers, c.LogLevel, c.Services[0].Reads, c.Services[0].Primary = -1, "x", "y", "z"
	var faults Faults
	if !errors.As(c.Validate(), &faults) || len(faults) != 4 {
		t.Fatal(faults)
	}
	if faults[0].Service != -1 || faults[3].Service != 0 || faults[1].Given != "x" || len(faults[1].Choices) != 5 {
		t.Fatalf("%+v", faults)
	}
}

func TestListenersThatNeedNoPassword(t *testing.T) {
	c := sound()
	c.Services[0].Listen = []string{"127.0.0.2:1", "[::1]:1", "localhost:2", "unix:/run/evergate.sock"}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	c.Services[0].Listen, c.Services[0].NoAuth = []string{":6379", "[::]:6380"}, true
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
}

func TestSecretNeverShows(t *testing.T) {
	c := sound()
	c.Services[0].Password = Secret{Value: "hunter2"}
	c.Services[0].Upstream = Credentials{User: "u", Password: Secret{Value: "hunter2"}}
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	hex := fmt.Sprintf("%x", "hunter2")
	for _, shown := range []string{
		fmt.Sprint(c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c), fmt.Sprintf("%x", c.Services[0].Password),
		fmt.Sprintf("%q", &c.Services[0].Password), fmt.Sprintf("%s", []any{c.Services[0].Password}), string(encoded),
	} {
		if strings.Contains(shown, "hunter2") || strings.Contains(shown, hex) {
			t.Errorf("shows the secret: %s", shown)
		}
		if !strings.Contains(shown, "***") {
			t.Errorf("does not show that there is a secret: %s", shown)
		}
	}
}

func TestSecretIsReadAtEachUse(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	secret := Secret{File: file}
	for text, want := range map[string]string{"one\n": "one", "two\r\n": "two", "three": "three", "four\n\n": "four\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := secret.Read(); err != nil || got != want {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "\n", "\r\n", strings.Repeat("hunter2", 10_000)} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := secret.Read(); err == nil || got != "" || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%d bytes: got %q, %v", len(text), got, err)
		}
	}
	if _, err := (Secret{File: file + "x"}).Read(); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestListenersThatOverlap(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"127.0.0.1:1", "127.0.0.1:1", true}, {"127.0.0.1:1", "127.0.0.2:1", false},
		{"127.0.0.1:1", "127.0.0.1:2", false},
		{"0.0.0.0:1", "[::]:1", true}, {":1", "127.0.0.1:1", true}, {":0", ":0", false},
		{"unix:/a", "unix:/a", true}, {"unix:/a", "unix:/b", false}, {"unix:/a", ":1", false},
	} {
		if overlap(c.a, c.b) != c.want || overlap(c.b, c.a) != c.want {
			t.Errorf("%s and %s: want %v", c.a, c.b, c.want)
		}
	}
}

func FuzzSplitListen(f *testing.F) {
	for _, seed := range []string{"127.0.0.1:6379", "[::1%lo]:1", "unix:/x", ":0", "::1", "a:b:c", "redis://x@y:1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, listen string) {
		network, address, err := SplitListen(listen)
		if (err == nil) != (network == "tcp" || network == "unix") || (err == nil) != (address != "") {
			t.Fatal(network, address, err)
		}
		_ = isLocal(listen)
		_ = checkHostMaybePort(listen)
	})
}
