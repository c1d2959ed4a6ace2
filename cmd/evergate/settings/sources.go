package settings

import (
	"os"
	"strings"

	"github.com/spf13/pflag"

	"evergate/cmd/evergate/suggest"
)

// assignment is one setting as it was written, not yet parsed.
type assignment struct {
	// service is the index of the service it belongs to; settings of the process ignore it.
	service int
	setting *Setting
	// inEntry: it is in an entry of services:.
	inEntry bool
	texts   []string
	at      Place
	// lines has the line of each text, for a list in a file; else empty.
	lines []int
}

// Sources has all settings in the order in which they are applied: the file, then variables, then flags.
type Sources struct {
	file        string
	assignments []assignment
	Mistakes    Mistakes
	// services has the places of the entries of services: in the file, servicesAt that of the key; both empty without it.
	services   []Place
	servicesAt Place
	// failed has the settings with an invalid value: that they are missing is no second mistake.
	failed []failure
	// unread: a part of the file or of the flags could not be read, and may have the settings that are missing.
	unread bool
}

type failure struct {
	service int
	setting string
}

func (s *Sources) wrong(at Place, text string) { s.Mistakes = append(s.Mistakes, Mistake{at, text}) }

// Reject adds a mistake in what is known by a name.
func (s *Sources) Reject(name, text string) { s.wrong(Place{name: name}, text) }

// fail records a setting with an invalid value. Service may be top: the one service of a file without services:.
func (s *Sources) fail(service int, name string) {
	if setting := Find(name); setting != nil && !setting.process || name == nameSetting.Name {
		service = max(service, 0)
	} else {
		service = process
	}
	s.failed = append(s.failed, failure{service, name})
}

// process means no service, as in config.Fault.
const process = -1

// splitTexts splits the text of a flag or a variable if the setting is a list.
func splitTexts(s *Setting, text string) []string {
	if s.kind != list && s.kind != pairs {
		return []string{text}
	}
	texts := strings.Split(text, ",")
	for i := range texts {
		texts[i] = strings.TrimSpace(texts[i])
	}
	return texts
}

// flagText is the pflag.Value of every setting: it keeps the text, so that one wrong flag does not hide the next.
type flagText struct {
	setting *Setting
	texts   []string
}

func (f *flagText) String() string { return strings.Join(f.texts, ",") }
func (f *flagText) Type() string   { return f.setting.Wants }

// Set adds to a list and replaces anything else.
func (f *flagText) Set(text string) error {
	texts := splitTexts(f.setting, text)
	if f.setting.kind == list || f.setting.kind == pairs {
		texts = append(f.texts, texts...)
	}
	f.texts = texts
	return nil
}

// AddFlags defines the flag of every setting that has one, and --config.
func AddFlags(flags *pflag.FlagSet) {
	flags.SortFlags = false
	flags.String("config", "", "`FILE` of settings (YAML); flags and EVERGATE_* variables override it")
	defaults := defaultTarget()
	for _, s := range All {
		if s.EnvOnly || s.FileOnly {
			continue
		}
		flag := flags.VarPF(&flagText{setting: s}, s.Name, "", s.usage)
		flag.DefValue = s.show(defaults)
		if s.kind == toggle {
			flag.NoOptDefVal = "true"
		}
	}
}

// AddFlagsOf defines the flags of some settings.
func AddFlagsOf(flags *pflag.FlagSet, names ...string) {
	for _, name := range names {
		s := Find(name)
		flags.VarPF(&flagText{setting: s}, s.Name, "", s.usage)
	}
}

// readFlags assigns the flags that were given.
func (s *Sources) readFlags(flags *pflag.FlagSet) {
	flags.Visit(func(flag *pflag.Flag) {
		if value, isSetting := flag.Value.(*flagText); isSetting {
			s.assign(assignment{setting: value.setting, texts: value.texts, at: Place{name: "flag --" + flag.Name}})
		}
	})
}

// readEnv assigns the EVERGATE_* variables. An empty one counts as not set, as compose files write it. An unknown one
// is a mistake only if it resembles a setting: Kubernetes gives every pod EVERGATE_PORT and the like if a service is
// called evergate.
func (s *Sources) readEnv(environ []string) {
	names := []string{"config"}
	for _, setting := range All {
		if !setting.FileOnly {
			names = append(names, setting.Name)
		}
	}
	given := map[string]bool{}
	for _, variable := range environ {
		name, text, _ := strings.Cut(variable, "=")
		key, ours := strings.CutPrefix(name, envPrefix)
		if !ours || text == "" || name == configEnv {
			continue
		}
		key = suggest.PlainName(key)
		at := Place{name: "env " + name}
		if setting := Find(key); setting != nil && !setting.FileOnly && setting.env() == name {
			given[name] = true
			if given[otherOfTwo(name)] {
				s.wrong(at, "conflicts with "+otherOfTwo(name)+": set only one")
			}
			s.assign(assignment{setting: setting, texts: splitTexts(setting, text), at: at})
		} else if meant := suggest.Slip(key, names); meant != "" {
			s.wrong(at, "is unknown"+suggest.DidYouMean(meant, envName))
			s.assume(0, meant, text, at)
		}
	}
}

// fileSuffix ends the variable with the path of a password file; without it the variable has the password.
const fileSuffix = "_FILE"

func otherOfTwo(name string) string {
	if of, isFile := strings.CutSuffix(name, fileSuffix); isFile {
		return of
	}
	return name + fileSuffix
}

const configEnv = envPrefix + "CONFIG"

// configFile returns the file to read: that of the flag, else of the variable, else none.
func configFile(flags *pflag.FlagSet, environ []string) (path string, at Place) {
	if flag := flags.Lookup("config"); flag != nil && flag.Changed {
		return flag.Value.String(), Place{name: "flag --config"}
	}
	for _, variable := range environ {
		if path, ours := strings.CutPrefix(variable, configEnv+"="); ours && path != "" {
			return path, Place{name: "env " + configEnv}
		}
	}
	return "", Place{}
}

func (s *Sources) assign(a assignment) {
	for _, text := range a.texts {
		if text == "" && (a.setting.kind == word || len(a.texts) == 1) {
			s.wrong(a.at, "has no value")
			s.fail(a.service, a.setting.Name)
			return
		}
	}
	s.assignments = append(s.assignments, a)
}

// assume assigns a misspelt setting as if it had been spelt right: it would be reported as missing otherwise.
func (s *Sources) assume(service int, meant, text string, at Place) {
	setting := Find(meant)
	switch {
	case setting == nil:
	case setting.secret || text == "":
		s.fail(service, meant)
	default:
		s.assignments = append(s.assignments,
			assignment{service: service, setting: setting, texts: splitTexts(setting, text), at: at})
	}
}

// readStray reports unknown flags and words, which the parser of flags left over. A word after an unknown flag counts
// as its value; its text is not repeated, since it may be a password.
func (s *Sources) readStray(args []string, flags *pflag.FlagSet) {
	names := []string{}
	flags.VisitAll(func(flag *pflag.Flag) { names = append(names, flag.Name) })
	words := 0
	for i := 0; i < len(args); i++ {
		name, isFlag := strings.CutPrefix(args[i], "-")
		if !isFlag {
			words++
			continue
		}
		name, text, given := strings.Cut(strings.TrimPrefix(name, "-"), "=")
		if !given && i+1 < len(args) && !strings.HasPrefix(args[i+1], "-") {
			i++
			text = args[i]
		}
		at, meant := Place{name: "flag --" + name}, suggest.Nearest(name, names)
		s.wrong(at, "is unknown"+suggest.DidYouMean(meant, FlagName))
		s.assume(0, meant, text, at)
	}
	if words > 0 {
		s.wrong(Place{name: "command line"}, "has an argument that belongs to no flag")
	}
}

func FlagName(name string) string { return "--" + name }

func envName(name string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

func (s *Sources) readFile(path string, at Place) {
	text, err := os.ReadFile(path)
	if err != nil {
		s.unread = true
		s.wrong(at, err.Error())
		return
	}
	s.file = path
	s.readYAML(text)
}
