package settings

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"evergate/cmd/evergate/suggest"
	"evergate/gateway/config"
)

// The file of settings is read as a tree of nodes, not decoded into a struct: a decoder stops at the first value of a
// wrong type, while the tree gives every value to the parsers of flags and variables, with its line.

// nameSetting is the one setting that exists only in entries of services:.
var nameSetting = textSetting("name", "NAME", "", func(t target) *string { return &t.service.Name })

func (s *Sources) readYAML(text []byte) {
	loader, err := yaml.NewLoader(bytes.NewReader(text))
	if err != nil {
		s.wrong(Place{file: s.file}, err.Error())
		return
	}
	var document, second yaml.Node
	if err := loader.Load(&document); err != nil {
		if !errors.Is(err, io.EOF) {
			s.syntax(err)
		}
		return
	}
	if err := loader.Load(&second); err == nil {
		s.wrong(s.line(&second), "begins a second document; only one is allowed")
	} else if !errors.Is(err, io.EOF) {
		s.syntax(err)
	}
	root := document.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return
	}
	s.readMapping(root, func(key, value *yaml.Node) {
		if key.Value == servicesKey {
			s.readServices(key, value)
			return
		}
		s.readSetting(key, value, top)
	})
}

const servicesKey = "services"

// syntax reports invalid YAML. The name of an anchor is left out: an unquoted password may begin with an asterisk.
func (s *Sources) syntax(err error) {
	s.unread = true
	at, text := Place{file: s.file}, err.Error()
	if load := new(yaml.LoadError); errors.As(err, &load) {
		at.line, text = load.Mark.Line, load.Message
		if load.Stage == yaml.ComposerStage {
			text = "refers to an anchor that is not there"
		}
		if load.ContextMsg != "" {
			text += fmt.Sprintf(" %s that begins in line %d", load.ContextMsg, load.ContextMark.Line)
		}
	}
	s.wrong(at, "is not YAML: "+text)
}

func (s *Sources) line(node *yaml.Node) Place { return Place{file: s.file, line: node.Line} }

// top is the top level of the file, in place of the index of an entry of services:.
const top = -1

// fileNames returns the keys that are allowed at the top level of the file, or in an entry of services:.
func fileNames(entry int) []string {
	names := []string{nameSetting.Name}
	if entry == top {
		names = []string{servicesKey}
	}
	for _, setting := range All {
		if !setting.EnvOnly && (entry == top || !setting.process) {
			names = append(names, setting.Name)
		}
	}
	return names
}

// readMapping calls take for each key and its value; a duplicate key is a mistake and skipped.
func (s *Sources) readMapping(node *yaml.Node, take func(key, value *yaml.Node)) {
	node = resolveAlias(node)
	if node.Kind != yaml.MappingNode {
		s.unread = true
		s.wrong(s.line(node), "must be settings (key: value), not "+form(node))
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], resolveAlias(node.Content[i+1])
		if key.Kind != yaml.ScalarNode {
			s.wrong(s.line(key), "has "+form(key)+" instead of the name of a setting")
			continue
		}
		if first, twice := seen[key.Value]; twice {
			s.wrong(s.line(key), fmt.Sprintf("%s: is already set in line %d", shownKey(key), first))
			continue
		}
		seen[key.Value] = key.Line
		take(key, value)
	}
}

func resolveAlias(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode && node.Alias != nil {
		return node.Alias
	}
	return node
}

// form returns a noun for a node, for error texts.
func form(node *yaml.Node) string {
	switch {
	case node.Kind == yaml.MappingNode:
		return "a mapping"
	case node.Kind == yaml.SequenceNode:
		return "a list"
	case node.Tag == "!!null":
		return "nothing"
	}
	return "a word"
}

// keyBytesMax is how much of a key an error repeats; a longer key is no misspelt setting.
const keyBytesMax = 40

func shownKey(key *yaml.Node) string {
	if len(key.Value) > keyBytesMax {
		return key.Value[:keyBytesMax] + "..."
	}
	return Masked(key.Value)
}

func (s *Sources) readServices(key, value *yaml.Node) {
	s.servicesAt = s.line(key)
	if value.Kind != yaml.SequenceNode {
		s.unread = true
		s.wrong(s.line(key), "services: must be a list (- name: ...), not "+form(value))
		return
	}
	for i, entry := range value.Content {
		s.services = append(s.services, s.line(entry))
		s.readMapping(entry, func(key, value *yaml.Node) {
			if setting := Find(key.Value); setting != nil && setting.process {
				s.wrong(s.line(key), key.Value+": is a setting of the process; move it to the top of the file")
				return
			}
			s.readSetting(key, value, i)
		})
	}
}

// readSetting reads one key with its value. A misspelt key is read as the setting that was probably meant, which would
// be reported as missing otherwise.
func (s *Sources) readSetting(key, value *yaml.Node, entry int) {
	names := fileNames(entry)
	meant := key.Value
	if !slices.Contains(names, meant) {
		meant = suggest.Nearest(key.Value, names)
		why := ""
		if setting := Find(key.Value); setting != nil {
			why = " in this file: a password stands in a file of its own, or in " + setting.env()
		}
		s.wrong(s.line(key), shownKey(key)+": is unknown"+why+suggest.DidYouMean(meant, KeyName))
		if setting := Find(meant); setting != nil && setting.secret {
			s.fail(entry, meant)
			return
		}
	}
	setting := Find(meant)
	if meant == nameSetting.Name {
		setting = nameSetting
	}
	if setting == nil {
		s.unread = true
		return
	}
	a := assignment{service: max(entry, 0), setting: setting, inEntry: entry != top, at: s.line(key)}
	if why := a.readValue(value); why != "" {
		s.wrong(s.line(value), setting.Name+": "+why)
		s.fail(entry, setting.Name)
		return
	}
	s.assignments = append(s.assignments, a)
}

func KeyName(name string) string { return name }

// readValue reads the texts of a value, or returns why it cannot.
func (a *assignment) readValue(value *yaml.Node) (why string) {
	wants := "must be " + a.setting.Wants
	switch {
	case value.Kind == yaml.ScalarNode:
		if value.Tag == "!!null" || value.Value == "" {
			return "has no value"
		}
		if a.setting.kind == lines {
			return wants + " in each line of a list"
		}
		if a.setting.kind == tables {
			return wants + ", not a word"
		}
		a.add(value, splitTexts(a.setting, value.Value)...)
	case value.Kind == yaml.SequenceNode && a.setting.kind != word && a.setting.kind != toggle &&
		a.setting.kind != tables:
		if len(value.Content) == 0 {
			return "has no value"
		}
		for _, item := range value.Content {
			if item = resolveAlias(item); item.Kind != yaml.ScalarNode || item.Value == "" {
				return wants + " in each line, not " + form(item)
			}
			if a.setting.kind == lines && item.LineComment != "" {
				return "has a comment in a line: quote the line, or YAML ends it at ' #'"
			}
			a.add(item, item.Value)
		}
	case value.Kind == yaml.MappingNode && a.setting.kind == tables:
		return a.readTables(value)
	case value.Kind == yaml.MappingNode && a.setting.kind == pairs:
		for i := 0; i+1 < len(value.Content); i += 2 {
			from, to := value.Content[i], resolveAlias(value.Content[i+1])
			if from.Kind != yaml.ScalarNode || to.Kind != yaml.ScalarNode {
				return wants + ", not " + form(to)
			}
			a.add(from, from.Value+"="+to.Value)
		}
	default:
		return wants + ", not " + form(value)
	}
	return ""
}

func (a *assignment) add(at *yaml.Node, texts ...string) {
	for _, text := range texts {
		a.texts = append(a.texts, strings.TrimSpace(text))
		a.lines = append(a.lines, at.Line)
	}
}

// entryService returns the defaults of an entry of services:. Unlike the service of the flags it has no name and no
// listener: two entries must not share them silently.
func entryService() config.Service {
	service := config.DefaultService()
	service.Name, service.Listen = "", nil
	return service
}
