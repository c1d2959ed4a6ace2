package config

import (
	"reflect"
	"slices"
	"testing"
	"time"
)

// differ gives every field below v another value, one at a time, and calls test with its name.
func differ(v reflect.Value, name string, test func(name string)) {
	if v.Kind() == reflect.Struct {
		for i := range v.NumField() {
			differ(v.Field(i), name+"."+v.Type().Field(i).Name, test)
		}
		return
	}
	before := reflect.New(v.Type()).Elem()
	before.Set(v)
	switch v.Kind() {
	case reflect.String:
		v.SetString(v.String() + "x")
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), v.Len()+1, v.Len()+1))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem())
	case reflect.Uint8:
		v.SetUint(v.Uint() + 1)
	default:
		v.SetInt(v.Int() + 1)
	}
	test(name)
	v.Set(before)
}

// TestEveryFieldIsOfASetting: a field of no row would change without a word, or not at all.
func TestEveryFieldIsOfASetting(t *testing.T) {
	old := Default()
	old.Services = []Service{DefaultService()}
	fresh := Default()
	fresh.Services = []Service{DefaultService()}
	check := func(name string) {
		next, changes := old.Reloaded(fresh)
		all := slices.Concat(changes.Applied, changes.Restart)
		if len(all) != 1 {
			t.Errorf("a change of %s is one of %v", name, all)
			return
		}
		want := fresh
		if len(changes.Restart) == 1 {
			want = old
		}
		if !reflect.DeepEqual(next, want) {
			t.Errorf("a change of %s (%v): %+v", name, all, next)
		}
	}
	services := fresh.Services
	process := reflect.ValueOf(&fresh).Elem()
	for i := range process.NumField() {
		if name := process.Type().Field(i).Name; name != "Services" && name != "Listed" {
			differ(process.Field(i), name, check)
		}
	}
	service := reflect.ValueOf(&services[0]).Elem()
	for i := range service.NumField() {
		if name := service.Type().Field(i).Name; name != "Name" {
			differ(service.Field(i), name, check)
		}
	}
}

func TestReloadTakesServicesByName(t *testing.T) {
	old, fresh := Default(), Default()
	old.Workers, fresh.Workers = 1, 2
	fresh.DrainTimeout = time.Minute
	named := func(name, password string) Service {
		s := DefaultService()
		s.Name, s.Password = name, Secret{Value: password}
		return s
	}
	old.Services = []Service{named("a", "1"), named("b", "1"), named("c", "1")}
	fresh.Services = []Service{named("d", "2"), named("c", "2"), named("a", "1")}
	next, changes := old.Reloaded(fresh)
	if got := Names(changes.Applied); got != "drain-timeout, services (b), password of c, services (d)" {
		t.Error(got)
	}
	if got := Names(changes.Restart); got != "workers" {
		t.Error(got)
	}
	if !slices.Equal(next.Names(), []string{"d", "c", "a"}) || next.Workers != 1 || next.DrainTimeout != time.Minute ||
		next.Services[0].Password.Value != "2" || next.Services[1].Password.Value != "2" {
		t.Errorf("%+v", next)
	}
	if old.Services[2].Password.Value != "1" {
		t.Error("the settings in use were written to")
	}
	if _, changes := old.Reloaded(old); len(changes.Applied)+len(changes.Restart) != 0 {
		t.Error(changes)
	}
}

// TestFacadesNeedNoRestart: whatever facade takes the place of whatever other one, and with it the policy of reads.
func TestFacadesNeedNoRestart(t *testing.T) {
	var all []func(*Service)
	for _, f := range []Facade{FacadeNone, FacadeCluster, FacadeReplica, FacadeSentinel} {
		for _, reads := range []ReadPolicy{ReadPrimary, ReadReplica, ReadAuto} {
			all = append(all, func(s *Service) { s.Facade, s.Reads = f, reads })
		}
	}
	for a, was := range all {
		for b, is := range all {
			old, fresh := Default(), Default()
			old.Services, fresh.Services = []Service{DefaultService()}, []Service{DefaultService()}
			was(&old.Services[0])
			is(&fresh.Services[0])
			_, changes := old.Reloaded(fresh)
			if len(changes.Restart) > 0 || a != b && len(changes.Applied) == 0 {
				t.Errorf("%d to %d: %+v", a, b, changes)
			}
		}
	}
}
