package config

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"evergate/gateway/api"
)

// What a reload does: each setting is a row of a table (reloads.go), which says where its value is and whether it can
// change while the gateway runs. A test compares the tables with all settings and with all fields.

// Change is a setting that differs between two Gateways, or a whole service.
type Change struct {
	// Service is the name of its service, empty for a setting of the process. Setting is its name, or ServicesSetting if
	// the service was added or removed.
	Service, Setting string
}

// ServicesSetting is the key that lists services.
const ServicesSetting = "services"

func (c Change) String() string {
	switch {
	case c.Service == "":
		return c.Setting
	case c.Setting == ServicesSetting:
		return c.Setting + " (" + c.Service + ")"
	}
	return c.Setting + " of " + c.Service
}

// Changes are the differences between the settings in use and new ones.
type Changes struct {
	// Applied can change while the gateway runs, Restart cannot.
	Applied, Restart []Change
}

// Names joins the texts of changes.
func Names(changes []Change) string {
	texts := make([]string, len(changes))
	for i, c := range changes {
		texts[i] = c.String()
	}
	return strings.Join(texts, ", ")
}

// row is one setting of the process or of a service.
type row[T any] struct {
	setting string
	fixed   bool // every change needs a restart
	// except reports whether a change needs one although others do not. Nil: none does.
	except func(old, fresh *T) bool
	// fields are pointers to its values.
	fields []func(*T) any
}

// live is a setting that can change at any time.
func live[T any](setting string, fields ...func(*T) any) row[T] {
	return row[T]{setting: setting, fields: fields}
}

// fixed is a setting that needs a restart.
func fixed[T any](setting string, fields ...func(*T) any) row[T] {
	return row[T]{setting: setting, fixed: true, fields: fields}
}

// unless has those changes need a restart for which except returns true.
func (r row[T]) unless(except func(old, fresh *T) bool) row[T] {
	r.except = except
	return r
}

// Reloads reports whether a setting can change while the gateway runs, as a rule. known: there is a setting of this
// name.
func Reloads(setting string) (can, known bool) {
	for _, r := range processRows {
		if r.setting == setting {
			return !r.fixed, true
		}
	}
	for _, r := range serviceRows {
		if r.setting == setting {
			return !r.fixed, true
		}
	}
	return false, false
}

// Reloaded returns the settings after a reload: those of fresh where they can change, those of c elsewhere. Services
// are identified by their names. The result may be invalid, since settings that need each other may differ in whether
// they can change. Both must have their defaults.
func (c Gateway) Reloaded(fresh Gateway) (next Gateway, changes Changes) {
	next = fresh
	takeAll(&changes, "", processRows, &c, &next)
	next.Services = nil
	for i := range c.Services {
		old := &c.Services[i]
		at := slices.IndexFunc(fresh.Services, func(s Service) bool { return s.Name == old.Name })
		if at < 0 {
			changes.Applied = append(changes.Applied, Change{old.Name, ServicesSetting})
			continue
		}
		s := fresh.Services[at]
		takeAll(&changes, old.Name, serviceRows, old, &s)
		next.Services = append(next.Services, s)
	}
	for _, s := range fresh.Services {
		if !slices.Contains(c.Names(), s.Name) {
			changes.Applied = append(changes.Applied, Change{s.Name, ServicesSetting})
			next.Services = append(next.Services, s)
		}
	}
	next.order(fresh.Names())
	next.Listed = listed(c.Listed, fresh.Listed, changes.Restart)
	return next, changes
}

// order puts the services in the order of names; those that are not there come last.
func (c *Gateway) order(names []string) {
	place := func(s Service) int {
		if at := slices.Index(names, s.Name); at >= 0 {
			return at
		}
		return len(names)
	}
	slices.SortStableFunc(c.Services, func(a, b Service) int { return cmp.Compare(place(a), place(b)) })
}

// listed returns what is listed after a reload: the settings of fresh, and those of old that need a restart.
func listed(old, fresh api.Config, restart []Change) api.Config {
	kept := func(s api.Setting) bool {
		return slices.Contains(restart, Change{s.Service, s.Name})
	}
	same := func(s api.Setting) func(api.Setting) bool {
		return func(other api.Setting) bool { return other.Service == s.Service && other.Name == s.Name }
	}
	out := api.Config{File: fresh.File}
	for _, s := range old.Settings {
		if kept(s) {
			out.Settings = append(out.Settings, s)
		} else if at := slices.IndexFunc(fresh.Settings, same(s)); at >= 0 {
			out.Settings = append(out.Settings, fresh.Settings[at])
		}
	}
	for _, s := range fresh.Settings {
		if !kept(s) && !slices.ContainsFunc(old.Settings, same(s)) {
			out.Settings = append(out.Settings, s)
		}
	}
	return out
}

// takeAll compares the values of old and next, and puts those of old in place of those that need a restart.
func takeAll[T any](changes *Changes, service string, rows []row[T], old, next *T) {
	fresh := *next
	for _, r := range rows {
		same := true
		for _, field := range r.fields {
			same = same && reflect.DeepEqual(field(old), field(next))
		}
		change := Change{service, r.setting}
		switch {
		case same:
		case !r.fixed && (r.except == nil || !r.except(old, &fresh)):
			changes.Applied = append(changes.Applied, change)
		default:
			changes.Restart = append(changes.Restart, change)
			for _, field := range r.fields {
				reflect.ValueOf(field(next)).Elem().Set(reflect.ValueOf(field(old)).Elem())
			}
		}
	}
}
