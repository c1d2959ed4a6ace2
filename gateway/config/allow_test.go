package config

import (
	"errors"
	"slices"
	"testing"
)

func TestAllowIsValidated(t *testing.T) {
	service := DefaultService()
	service.Primary = "db:6379"
	service.Allow = []string{"debug", "acl setuser", "debgu", "get", "SCRIPT DEBUG"}
	conf := Default()
	conf.Services = []Service{service}
	var faults Faults
	if !errors.As(conf.Validate(), &faults) || len(faults) != 3 {
		t.Fatalf("%v", faults)
	}
	for i, want := range []string{
		`"debgu" is not a command that is rejected as dangerous`,
		`"get" need not be allowed: it is not rejected as dangerous`,
		`"SCRIPT DEBUG" cannot be allowed: it is reserved for the administrators of the servers`,
	} {
		f := faults[i]
		if f.Setting != "allow" || f.Item != service.Allow[i+2] || f.Text != want || !slices.Contains(f.Choices, "debug") {
			t.Errorf("%+v, want %q", f, want)
		}
	}
}
