package gateway

import (
	"errors"
	"slices"
	"testing"
)

func TestAllowIsValidated(t *testing.T) {
	service := DefaultService()
	service.Primary = "db:6379"
	service.Allow = []string{"debug", "acl setuser", "debgu", "get", "SCRIPT DEBUG"}
	conf := DefaultConfig()
	conf.Services = []Service{service}
	var faults Faults
	if !errors.As(conf.Validate(), &faults) || len(faults) != 3 {
		t.Fatalf("%v", faults)
	}
	for i, want := range []string{
		`"debgu" is no command that is refused`, `"get" needs no leave: it is not refused for the harm it does`,
		`"SCRIPT DEBUG" cannot be let through: it is for those who run the servers`,
	} {
		f := faults[i]
		if f.Setting != "allow" || f.Item != service.Allow[i+2] || f.Text != want || !slices.Contains(f.Choices, "debug") {
			t.Errorf("%+v, want %q", f, want)
		}
	}
}
