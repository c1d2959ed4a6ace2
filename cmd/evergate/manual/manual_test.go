package manual

import (
	"testing"

	"github.com/spf13/cobra"
)

func TestPageIsTroff(t *testing.T) {
	root := &cobra.Command{Use: "gate", Short: "A gate"}
	cmd := &cobra.Command{Use: "open NAME", Short: "Open it", Run: func(*cobra.Command, []string) {},
		Long:    "Open the \\ gate\nwide.\n\n.dot is no macro:\n\n  gate open --far\n    more\n\nThe end.",
		Example: "  gate open x"}
	cmd.Flags().StringP("far", "f", "it's", "how `FAR`")
	cmd.Flags().Bool("quiet", false, "say nothing")
	hidden := cmd.Flags()
	hidden.String("secret", "", "not shown")
	if err := hidden.MarkHidden("secret"); err != nil {
		t.Fatal(err)
	}
	root.AddCommand(cmd)
	want := `.TH GATE\-OPEN 1 "2026-01-02" "gate v1" "Evergate"
.nh
.ad l
.SH NAME
gate\-open \- Open it
.SH SYNOPSIS
.B gate open NAME [flags]
.SH DESCRIPTION
Open the \e gate
wide.
.PP
\&.dot is no macro:
.PP
.nf
  gate open \-\-far
    more
.fi
.PP
The end.
.SH OPTIONS
.TP
\fB\-f\fR, \fB\-\-far\fR \fIFAR\fR
how FAR (default it's)
.TP
\fB\-\-quiet\fR
say nothing
.TP
\fB\-h\fR, \fB\-\-help\fR
help for open
.SH EXAMPLES
.nf
  gate open x
.fi
.SH EXIT STATUS
.TP
0
success
.TP
1
failure
.TP
2
a mistake in settings or arguments
.TP
3
a promise was broken (evergate drill)
.SH SEE ALSO
.BR gate (1)
`
	cmd.Flags().SortFlags = false
	if got := Page(cmd, Source{"v1", "2026-01-02"}); got != want {
		t.Errorf("got\n%s", got)
	}
}
