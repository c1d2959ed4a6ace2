package config

import (
	"reflect"
	"strings"
	"testing"

	"evergate/gateway/api"
)

func TestAdminFaults(t *testing.T) {
	for want, admin := range map[string]Admin{
		"": {Listen: "127.0.0.1:9121", Hosts: []string{"gateway"}, ShowKeys: true,
			Pprof: true},
		`admin: "9121"`:                       {Listen: "9121"},
		`admin: "127.0.0.1:6379" overlaps`:    {Listen: "127.0.0.1:6379"},
		`admin: ":6379" overlaps`:             {Listen: ":6379"},
		`admin-hosts: "http://x"`:             {Listen: "127.0.0.1:9121", Hosts: []string{"http://x"}},
		"admin-hosts: needs admin":            {Hosts: []string{"gateway"}},
		"admin-pprof: needs admin":            {Pprof: true},
		"admin-show-keys: needs admin":        {ShowKeys: true},
		"admin-no-auth: needs admin":          {NoAuth: true},
		"admin-password: needs admin":         {Password: Secret{Value: "x"}},
		"admin-password-file: needs admin":    {Password: Secret{File: "x"}},
		"admin-password-file: conflicts with": {Listen: ":9121", Password: Secret{File: "x", Value: "x"}},
		"admin-no-auth: conflicts with":       {Listen: ":9121", Password: Secret{File: "x"}, NoAuth: true},
	} {
		c := sound()
		c.Admin = admin
		err := c.Validate()
		if want == "" && err == nil {
			continue
		}
		if err == nil || want == "" || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", admin, err, want)
		}
	}
}

// TestKeysAreNamedOnThisMachine: other machines see keys only if that is set.
func TestKeysAreNamedOnThisMachine(t *testing.T) {
	for listen, local := range map[string]bool{"127.0.0.1:9121": true, "[::1]:9121": true, "localhost:9121": true,
		"unix:/run/evergate.sock": true, ":9121": false, "0.0.0.0:9121": false, "10.0.0.1:9121": false} {
		a := Admin{Listen: listen}
		if a.IsLocal() != local || a.NamesKeys() != local {
			t.Errorf("%s: local %v, names keys %v", listen, a.IsLocal(), a.NamesKeys())
		}
		if a.ShowKeys = true; !a.NamesKeys() {
			t.Errorf("%s: admin-show-keys has no effect", listen)
		}
	}
}

// TestListedAfterAReload: what needs a restart is listed as it is in use.
func TestListedAfterAReload(t *testing.T) {
	s := func(service, name, value string) api.Setting {
		return api.Setting{Name: name, Service: service, Value: value, Source: "f:" + value}
	}
	old := api.Config{File: "f", Settings: []api.Setting{s("", "workers", "1"), s("", "log-level", "info"),
		s("a", "reads", "primary"), s("b", "reads", "primary")}}
	fresh := api.Config{File: "g", Settings: []api.Setting{s("", "workers", "2"), s("", "log-level", "warn"),
		s("", "admin-password", api.Secret), s("a", "reads", "replica"), s("c", "reads", "primary")}}
	got := listed(old, fresh, []Change{{"", "workers"}, {"a", "reads"}})
	want := api.Config{File: "g", Settings: []api.Setting{s("", "workers", "1"), s("", "log-level", "warn"),
		s("a", "reads", "primary"), s("", "admin-password", api.Secret), s("c", "reads", "primary")}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}
