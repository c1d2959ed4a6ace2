package settings

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

// Resolved is a config.Gateway with the place of each setting that is not a default.
type Resolved struct {
	Config config.Gateway
	// file is the path of the file of settings, empty without one.
	file string
	// Warnings are risky settings, Deprecated the values that have another name now.
	Warnings, Deprecated Mistakes
	places               map[placeKey]Place
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
	conf, service := Default(), config.DefaultService()
	return target{&conf, &service}
}

// Resolve reads the file, the variables and the flags, and returns all mistakes at once. Args are the words that the
// parser of flags left over, known the mistakes that it stopped at.
func Resolve(flags *pflag.FlagSet, args, environ []string, known ...Mistake) (*Resolved, error) {
	r, s := Gather(flags, args, environ)
	for _, mistake := range known {
		s.Mistakes = append(s.Mistakes, mistake)
		s.unread = true
	}
	return r.Finish(s)
}

// Unparsed returns all mistakes if the parser of flags stopped at an error.
func Unparsed(flags *pflag.FlagSet, environ []string, err error) Mistakes {
	wrong := Mistakes{{Place{name: "command line"}, err.Error()}}
	if missing := new(pflag.ValueRequiredError); errors.As(err, &missing) && missing.GetFlag() != nil {
		wrong = Mistakes{{Place{name: "flag --" + missing.GetFlag().Name}, "has no value"}}
	}
	var others Mistakes
	if _, err := Resolve(flags, flags.Args(), environ, wrong...); errors.As(err, &others) {
		return others
	}
	return wrong
}

// Finish validates what was gathered, and returns all mistakes.
func (r *Resolved) Finish(s *Sources) (*Resolved, error) {
	r.validate(s)
	r.checkSecrets(s)
	r.checkUsers(s)
	r.checkTLSFiles(s)
	if len(s.Mistakes) > 0 {
		return nil, s.Mistakes
	}
	r.Config.List(r.listed())
	return r, nil
}

// Given reports whether any setting is given, or a file of settings.
func Given(flags *pflag.FlagSet, args, environ []string) bool {
	_, s := Gather(flags, args, environ)
	return s.file != "" || len(s.assignments)+len(s.Mistakes) > 0
}

// Unvalidated is Resolve without validation, for a command that uses only some of the settings.
func Unvalidated(flags *pflag.FlagSet, args, environ []string) (config.Gateway, error) {
	r, s := Gather(flags, args, environ)
	if len(s.Mistakes) > 0 {
		return config.Gateway{}, s.Mistakes
	}
	return r.Config, nil
}

// Gather applies all sources to the defaults, for a command that checks more before Finish.
func Gather(flags *pflag.FlagSet, args, environ []string) (*Resolved, *Sources) {
	s := &Sources{}
	if path, at := configFile(flags, environ); path != "" {
		s.readFile(path, at)
	} else if at.name != "" {
		s.wrong(at, "has no value")
	}
	s.readEnv(environ)
	s.readFlags(flags)
	s.readStray(args, flags)
	s.refuseBesideServices()

	r := &Resolved{Config: Default(), file: s.file, places: map[placeKey]Place{}}
	r.Config.Services = []config.Service{config.DefaultService()}
	if s.servicesAt != (Place{}) {
		r.Config.Services = nil
	}
	for i, at := range s.services {
		r.Config.Services = append(r.Config.Services, entryService())
		r.places[placeKey{i, "", ""}] = at
	}
	for _, a := range s.assignments {
		r.apply(a, s)
	}
	r.onlyTLS()
	return r, s
}

// refuseBesideServices reports and drops settings of one service if services: describes all services.
func (s *Sources) refuseBesideServices() {
	if s.servicesAt == (Place{}) {
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
			text = a.setting.Name + ": conflicts with services: move it into an entry there"
		}
		s.wrong(a.at, text)
	}
	s.assignments = kept
}

func (r *Resolved) apply(a assignment, s *Sources) {
	service := a.service
	if a.setting.process {
		service = process
	}
	t := target{config: &r.Config}
	if service >= 0 {
		if service >= len(r.Config.Services) {
			return
		}
		t.service = &r.Config.Services[service]
	}
	r.rename(a)
	if err := a.setting.set(t, a.texts); err != nil {
		for line := range strings.Lines(err.Error()) {
			s.wrong(a.at, a.named(strings.TrimSuffix(line, "\n")))
		}
		s.fail(a.service, a.setting.Name)
	}
	r.places[placeKey{service, a.setting.Name, ""}] = a.at
	for i, line := range a.lines {
		item := a.texts[i]
		switch a.setting.kind {
		case pairs:
			item, _, _ = strings.Cut(item, "=")
		case tables:
			item, _, _ = splitEntry(item)
		}
		r.places[placeKey{service, a.setting.Name, item}] = Place{file: a.at.file, line: line}
	}
}

// rename replaces a deprecated value by its successor, and records it.
func (r *Resolved) rename(a assignment) {
	for i, text := range a.texts {
		if name, found := a.setting.Renamed[text]; found {
			a.texts[i] = name
			r.Deprecated = append(r.Deprecated, Mistake{a.at, a.named(fmt.Sprintf("%q is deprecated; use %q", text, name))})
		}
	}
}

// named prefixes a sentence with the name of the setting, unless the place has it already.
func (a *assignment) named(text string) string {
	if a.at.name != "" {
		return text
	}
	return a.setting.Name + ": " + text
}

// where returns the place of a setting, or of one entry of it.
func (r *Resolved) where(service int, setting, item string) (Place, bool) {
	if at, found := r.places[placeKey{service, setting, item}]; found {
		return at, true
	}
	at, found := r.places[placeKey{service, setting, ""}]
	return at, found
}

func (r *Resolved) validate(s *Sources) {
	var faults config.Faults
	if err := r.Config.Validate(); !errors.As(err, &faults) {
		return
	}
	for _, fault := range faults {
		at, found := r.where(fault.Service, fault.Setting, fault.Item)
		if s.follows(fault) || s.unread && (!found || strings.HasPrefix(fault.Text, "needs ")) {
			continue
		}
		text := fault.Text + suggest.DidYouMean(suggest.Nearest(fault.Given, fault.Choices), KeyName)
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
		case fault.Service >= 0 && r.places[placeKey{fault.Service, "", ""}] != (Place{}):
			at = r.places[placeKey{fault.Service, "", ""}]
		case s.servicesAt != (Place{}) && fault.Setting == servicesKey:
			at = s.servicesAt
		default:
			at = Place{file: s.file}
		}
		s.wrong(at, text)
	}
}

// follows reports whether a fault only repeats a mistake that was reported: the setting has a value that could not be
// parsed.
func (s *Sources) follows(fault config.Fault) bool {
	return slices.ContainsFunc(s.failed, func(f failure) bool {
		if f.service != fault.Service {
			return false
		}
		isUpstream := f.setting == "sentinel" || f.setting == "cluster" || f.setting == "primary"
		return f.setting == fault.Setting || f.setting == fault.Other || isUpstream && fault.Setting == "upstream"
	})
}

// Check is Resolve for settings that may be meant for another machine.
func Check(flags *pflag.FlagSet, args, environ []string) (*Resolved, error) {
	r, s := Gather(flags, args, environ)
	r.elsewhere = true
	return r.Finish(s)
}

// checkSecrets opens every password file: a wrong path is to fail the start, not the first dial.
func (r *Resolved) checkSecrets(s *Sources) {
	r.checkSecret(s, process, "admin-password-file", r.Config.Admin.Password)
	for i, service := range r.Config.Services {
		r.checkSecret(s, i, "upstream-password-file", service.Upstream.Password)
		r.checkSecret(s, i, "sentinel-password-file", service.Sentinel.Password)
		r.checkSecret(s, i, "password-file", service.Password)
		r.checkSecret(s, i, "facade-password-file", service.FacadePassword)
	}
}

func (r *Resolved) checkSecret(s *Sources, service int, setting string, secret config.Secret) {
	if secret.File == "" {
		return
	}
	at, _ := r.where(service, setting, "")
	a := assignment{setting: Find(setting), at: at}
	if _, err := secret.Read(); errors.Is(err, os.ErrNotExist) && r.elsewhere {
		r.Warnings = append(r.Warnings, Mistake{at, a.named(err.Error())})
		return
	} else if err != nil {
		s.wrong(at, a.named(err.Error()))
		return
	}
	if text := readableByAll(secret.File); text != "" {
		r.Warnings = append(r.Warnings, Mistake{at, a.named(text)})
	}
}

// readableByAll returns a warning if every user of the machine can read a secret file; empty if not, or without a file.
func readableByAll(file string) string {
	if stat, err := os.Stat(file); err != nil || stat.Mode().Perm()&0o004 == 0 {
		return ""
	}
	return file + " can be read by every user of this machine (chmod o-r " + file + ")"
}
