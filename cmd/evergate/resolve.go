package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"evergate/cmd/evergate/suggest"
	"evergate/gateway/config"
)

// resolved is a config.Gateway with the place of each setting that is not a default.
type resolved struct {
	config config.Gateway
	// file is the path of the file of settings, empty without one.
	file string
	// warnings are risky settings, deprecated the values that have another name now.
	warnings, deprecated mistakes
	places               map[placeKey]place
	// elsewhere: the gateway may run on another machine; a password file that is missing here is no mistake.
	elsewhere bool
}

// placeKey is the key of a place; item is set for an entry of a list. The service of a setting of the process is
// process.
type placeKey struct {
	service       int
	setting, item string
}

func defaultTarget() target {
	conf, service := defaultConfig(), config.DefaultService()
	return target{&conf, &service}
}

// resolve reads the file, the variables and the flags, and returns all mistakes at once. Args are the words that the
// parser of flags left over, known the mistakes that it stopped at.
func resolve(flags *pflag.FlagSet, args, environ []string, known ...mistake) (*resolved, error) {
	r, s := gather(flags, args, environ)
	for _, mistake := range known {
		s.mistakes = append(s.mistakes, mistake)
		s.unread = true
	}
	return r.finish(s)
}

// finish validates what was gathered.
func (r *resolved) finish(s *sources) (*resolved, error) {
	r.validate(s)
	r.checkSecrets(s)
	r.checkUsers(s)
	r.checkTLSFiles(s)
	if len(s.mistakes) > 0 {
		return nil, s.mistakes
	}
	return r, nil
}

// settingsAlone is resolve without validation, for a command that uses only some of the settings.
func settingsAlone(flags *pflag.FlagSet, args, environ []string) (config.Gateway, error) {
	r, s := gather(flags, args, environ)
	if len(s.mistakes) > 0 {
		return config.Gateway{}, s.mistakes
	}
	return r.config, nil
}

// gather applies all sources to the defaults.
func gather(flags *pflag.FlagSet, args, environ []string) (*resolved, *sources) {
	s := &sources{}
	if path, at := configFile(flags, environ); path != "" {
		s.readFile(path, at)
	} else if at.name != "" {
		s.wrong(at, "has no value")
	}
	s.readEnv(environ)
	s.readFlags(flags)
	s.readStray(args, flags)
	s.refuseBesideServices()

	r := &resolved{config: defaultConfig(), file: s.file, places: map[placeKey]place{}}
	r.config.Services = []config.Service{config.DefaultService()}
	if s.servicesAt != (place{}) {
		r.config.Services = nil
	}
	for i, at := range s.services {
		r.config.Services = append(r.config.Services, entryService())
		r.places[placeKey{i, "", ""}] = at
	}
	for _, a := range s.assignments {
		r.apply(a, s)
	}
	r.onlyTLS()
	return r, s
}

// refuseBesideServices reports and drops settings of one service if services: describes all services.
func (s *sources) refuseBesideServices() {
	if s.servicesAt == (place{}) {
		return
	}
	kept := s.assignments[:0]
	for _, a := range s.assignments {
		if a.setting.process || a.inEntry {
			kept = append(kept, a)
			continue
		}
		text := fmt.Sprintf("is a setting of one service, and %s has services: move it into an entry there", s.servicesAt)
		if a.at.name == "" {
			text = a.setting.name + ": conflicts with services: move it into an entry there"
		}
		s.wrong(a.at, text)
	}
	s.assignments = kept
}

func (r *resolved) apply(a assignment, s *sources) {
	service := a.service
	if a.setting.process {
		service = process
	}
	t := target{config: &r.config}
	if service >= 0 {
		if service >= len(r.config.Services) {
			return
		}
		t.service = &r.config.Services[service]
	}
	r.rename(a)
	if err := a.setting.set(t, a.texts); err != nil {
		for line := range strings.Lines(err.Error()) {
			s.wrong(a.at, a.named(strings.TrimSuffix(line, "\n")))
		}
		s.fail(a.service, a.setting.name)
	}
	r.places[placeKey{service, a.setting.name, ""}] = a.at
	for i, line := range a.lines {
		item := a.texts[i]
		if a.setting.kind == pairs {
			item, _, _ = strings.Cut(item, "=")
		}
		r.places[placeKey{service, a.setting.name, item}] = place{file: a.at.file, line: line}
	}
}

// rename replaces a deprecated value by its successor, and records it.
func (r *resolved) rename(a assignment) {
	for i, text := range a.texts {
		if name, found := a.setting.renamed[text]; found {
			a.texts[i] = name
			r.deprecated = append(r.deprecated, mistake{a.at, a.named(fmt.Sprintf("%q is deprecated; use %q", text, name))})
		}
	}
}

// named prefixes a sentence with the name of the setting, unless the place has it already.
func (a *assignment) named(text string) string {
	if a.at.name != "" {
		return text
	}
	return a.setting.name + ": " + text
}

// where returns the place of a setting, or of one entry of it.
func (r *resolved) where(service int, setting, item string) (place, bool) {
	if at, found := r.places[placeKey{service, setting, item}]; found {
		return at, true
	}
	at, found := r.places[placeKey{service, setting, ""}]
	return at, found
}

func (r *resolved) validate(s *sources) {
	var faults config.Faults
	if err := r.config.Validate(); !errors.As(err, &faults) {
		return
	}
	for _, fault := range faults {
		at, found := r.where(fault.Service, fault.Setting, fault.Item)
		if s.follows(fault) || s.unread && (!found || strings.HasPrefix(fault.Text, "needs ")) {
			continue
		}
		text := fault.Text + suggest.DidYouMean(suggest.Nearest(fault.Given, fault.Choices), keyName)
		other, otherFound := r.where(fault.Service, fault.Other, "")
		if otherFound && found && fault.Other != "" {
			text += fmt.Sprintf(" (%s: %s)", fault.Other, other)
		}
		if !found || at.name == "" {
			text = fault.Setting + ": " + text
		}
		switch {
		case found:
		case otherFound && fault.Other != "":
			at = other
		case fault.Service >= 0 && r.places[placeKey{fault.Service, "", ""}] != (place{}):
			at = r.places[placeKey{fault.Service, "", ""}]
		case s.servicesAt != (place{}) && fault.Setting == servicesKey:
			at = s.servicesAt
		default:
			at = place{file: s.file}
		}
		s.wrong(at, text)
	}
}

// follows reports whether a fault only repeats a mistake that was reported: the setting has a value that could not be
// parsed.
func (s *sources) follows(fault config.Fault) bool {
	return slices.ContainsFunc(s.failed, func(f failure) bool {
		if f.service != fault.Service {
			return false
		}
		isUpstream := f.setting == "sentinel" || f.setting == "cluster" || f.setting == "primary"
		return f.setting == fault.Setting || f.setting == fault.Other || isUpstream && fault.Setting == "upstream"
	})
}

// check is resolve for settings that may be meant for another machine.
func check(flags *pflag.FlagSet, args, environ []string) (*resolved, error) {
	r, s := gather(flags, args, environ)
	r.elsewhere = true
	return r.finish(s)
}

// checkSecrets opens every password file: a wrong path is to fail the start, not the first dial.
func (r *resolved) checkSecrets(s *sources) {
	for i, service := range r.config.Services {
		for _, secret := range []struct {
			setting string
			config.Secret
		}{
			{"upstream-password-file", service.Upstream.Password},
			{"sentinel-password-file", service.Sentinel.Password},
			{"password-file", service.Password},
			{"facade-password-file", service.FacadePassword},
		} {
			if secret.File == "" {
				continue
			}
			at, _ := r.where(i, secret.setting, "")
			a := assignment{setting: findSetting(secret.setting), at: at}
			if _, err := secret.Read(); errors.Is(err, os.ErrNotExist) && r.elsewhere {
				r.warnings = append(r.warnings, mistake{at, a.named(err.Error())})
				continue
			} else if err != nil {
				s.wrong(at, a.named(err.Error()))
				continue
			}
			if text := readableByAll(secret.File); text != "" {
				r.warnings = append(r.warnings, mistake{at, a.named(text)})
			}
		}
	}
}

// readableByAll returns a warning if every user of the machine can read a secret file; empty if not, or without a file.
func readableByAll(file string) string {
	if stat, err := os.Stat(file); err != nil || stat.Mode().Perm()&0o004 == 0 {
		return ""
	}
	return file + " can be read by every user of this machine (chmod o-r " + file + ")"
}
