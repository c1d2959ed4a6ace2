// Package manual writes the man pages of the commands, from the texts and flags of their help.
package manual

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Source is what a page says of the program: its version, and the date of that version (year, month, day).
type Source struct{ Version, Date string }

// Write writes a page for root and for each command that its help shows, below a folder that exists.
func Write(dir string, root *cobra.Command, source Source) error {
	for _, cmd := range append([]*cobra.Command{root}, shown(root)...) {
		name := filepath.Join(dir, title(cmd)+".1")
		if err := os.WriteFile(name, []byte(Page(cmd, source)), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// shown are the commands below root with a page of their own. How the shells load their completion is for packages.
func shown(root *cobra.Command) []*cobra.Command {
	return slices.DeleteFunc(slices.Clone(root.Commands()), func(cmd *cobra.Command) bool {
		return !cmd.IsAvailableCommand() || cmd.Name() == "help" || cmd.Name() == "completion"
	})
}

// title is the name of a page: "evergate-run".
func title(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// Page returns the page of a command in the macros of man(7).
func Page(cmd *cobra.Command, source Source) string {
	p := &page{}
	p.line(".TH %s 1 %q %q %q", strings.ToUpper(escape(title(cmd))), source.Date, cmd.Root().Name()+" "+source.Version,
		"Evergate")
	p.line(".nh\n.ad l") // no hyphens in names of settings, no wide gaps
	p.line(".SH NAME")
	p.line(`%s \- %s`, escape(title(cmd)), escape(cmd.Short))
	p.line(".SH SYNOPSIS")
	use := cmd.UseLine()
	if cmd.HasSubCommands() {
		use += " COMMAND [flags]"
	}
	p.line(".B %s", escape(use))
	p.line(".SH DESCRIPTION")
	p.text(cmp.Or(cmd.Long, cmd.Short+"."))
	if below := shown(cmd); len(below) > 0 {
		p.line(".SH COMMANDS")
		for _, c := range below {
			p.entry(`\fB`+escape(c.Name())+`\fR`, c.Short+"; see "+title(c)+"(1).")
		}
	}
	p.options(cmd)
	if cmd.Example != "" {
		p.line(".SH EXAMPLES")
		p.text(cmd.Example)
	}
	p.line(".SH EXIT STATUS")
	for code, meaning := range []string{"success", "failure", "a mistake in settings or arguments",
		"a promise was broken (evergate drill)"} {
		p.entry(fmt.Sprint(code), meaning)
	}
	p.others(cmd)
	return p.String()
}

// page is a page that is being written.
type page struct{ strings.Builder }

func (p *page) line(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

// options has each flag that the help shows, in its order.
func (p *page) options(cmd *cobra.Command) {
	p.line(".SH OPTIONS")
	cmd.InitDefaultHelpFlag()
	cmd.InitDefaultVersionFlag()
	cmd.LocalFlags().VisitAll(func(flag *pflag.Flag) {
		if flag.Hidden {
			return
		}
		value, usage := pflag.UnquoteUsage(flag)
		term := `\fB\-\-` + escape(flag.Name) + `\fR`
		if flag.Shorthand != "" {
			term = `\fB\-` + flag.Shorthand + `\fR, ` + term
		}
		if value != "" && flag.NoOptDefVal == "" {
			term += ` \fI` + escape(value) + `\fR`
		}
		if isDefault := flag.DefValue != "" && flag.DefValue != "false" && !strings.Contains(usage, "(default"); isDefault {
			usage += " (default " + flag.DefValue + ")"
		}
		p.entry(term, usage)
	})
}

// others names the other pages.
func (p *page) others(cmd *cobra.Command) {
	p.line(".SH SEE ALSO")
	pages := slices.DeleteFunc(append([]*cobra.Command{cmd.Root()}, shown(cmd.Root())...), func(c *cobra.Command) bool {
		return c == cmd
	})
	for i, c := range pages {
		comma := ","
		if i == len(pages)-1 {
			comma = ""
		}
		p.line(".BR %s (1)%s", escape(title(c)), comma)
	}
}

// entry is a term with its explanation.
func (p *page) entry(term, usage string) {
	p.line(".TP\n%s\n%s", term, escape(usage))
}

// text writes paragraphs. Indented lines are left as they are.
func (p *page) text(text string) {
	literal, gap := false, ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch indented := strings.HasPrefix(line, " "); {
		case line == "":
			gap = ".PP\n"
			continue
		case indented && !literal:
			gap += ".nf\n"
			literal = true
		case !indented && literal:
			gap = ".fi\n" + gap
			literal = false
		}
		p.line("%s%s", gap, escape(line))
		gap = ""
	}
	if literal {
		p.line(".fi")
	}
}

// escape returns a text that troff prints as it is.
func escape(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}
