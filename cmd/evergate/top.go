package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/spf13/cobra"

	"evergate/cmd/evergate/adminclient"
	"evergate/cmd/evergate/settings"
	"evergate/cmd/evergate/terminal"
	"evergate/cmd/evergate/top"
	"evergate/gateway/config"
)

// watching is what "evergate top" is asked for.
type watching struct {
	addresses    []string
	passwordFile string
	once         bool
}

// defaultAdmin is where a demo and the containers have their --admin.
const defaultAdmin = "127.0.0.1:9121"

// The variables that "evergate top" shares with "evergate run".
const (
	adminVariable             = "EVERGATE_ADMIN"
	adminPasswordVariable     = "EVERGATE_ADMIN_PASSWORD"
	adminPasswordFileVariable = "EVERGATE_ADMIN_PASSWORD_FILE"
)

func newTop(w world) *cobra.Command {
	ask := watching{}
	cmd := &cobra.Command{
		Use:   "top",
		Short: "Show what gateways do, on a terminal",
		Long: `Show services, nodes, failovers, slow commands, hot keys and clients of one gateway or several, as
their --admin addresses report them. ? explains the keys.

Without a terminal, or with --once, it prints a table and ends. The exit code is then 1 if no gateway
can be reached.

EVERGATE_ADMIN, EVERGATE_ADMIN_PASSWORD_FILE and EVERGATE_ADMIN_PASSWORD stand for the flags, and for
the password itself.`,
		Example: `  evergate top --admin 127.0.0.1:9121
  evergate top --admin 10.0.0.1:9121,10.0.0.2:9121 --admin-password-file admin.password
  evergate top --admin unix:/run/evergate/admin.sock --once`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			clients, err := ask.clients(w.environ)
			if err != nil {
				return err
			}
			if !ask.once && isScreen(w) {
				return watch(w, ask.addresses, clients)
			}
			return printOnce(w, ask.addresses, clients)
		},
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&ask.addresses, "admin", nil,
		"`ADDRESS,...` of gateways: the --admin of each (default "+defaultAdmin+")")
	flags.StringVar(&ask.passwordFile, "admin-password-file", "", "`FILE` with the password of all of them")
	flags.BoolVar(&ask.once, "once", false, "print a table and end")
	return cmd
}

// clients adds what variables say, and makes a client for each gateway.
func (a *watching) clients(environ []string) (clients []*adminclient.Client, err error) {
	variable := func(name string) string {
		for _, v := range environ {
			if value, found := strings.CutPrefix(v, name+"="); found {
				return value
			}
		}
		return ""
	}
	if len(a.addresses) == 0 {
		a.addresses = strings.FieldsFunc(variable(adminVariable), func(r rune) bool { return r == ',' })
	}
	password := config.Secret{File: cmp.Or(a.passwordFile, variable(adminPasswordFileVariable))}
	if password.IsZero() {
		password = config.Secret{Value: variable(adminPasswordVariable)}
	}
	if len(a.addresses) == 0 {
		a.addresses = []string{defaultAdmin}
	}
	wrong := settings.Mistakes{}
	for i, address := range a.addresses {
		client, err := adminclient.New(address, password)
		if err == nil && slices.Contains(a.addresses[:i], address) {
			err = fmt.Errorf("%q is there twice", address)
		}
		if err != nil {
			wrong = append(wrong, settings.MistakeAt("flag --admin", err.Error()))
			continue
		}
		clients = append(clients, client)
	}
	if len(wrong) > 0 {
		return nil, wrong
	}
	return clients, nil
}

// isScreen reports whether a person sits at a terminal that can place text.
func isScreen(w world) bool {
	out, isFile := w.stdout.(*os.File)
	return isFile && terminal.Columns(out) > 0 && terminal.Columns(w.stdin) > 0 && !slices.Contains(w.environ, "TERM=dumb")
}

// printOnce prints what the gateways report now.
func printOnce(w world, addresses []string, clients []*adminclient.Client) error {
	screen := top.New(addresses)
	arrived := make(chan arrival)
	for i, c := range clients {
		go func() { arrived <- arrival{i, once(context.Background(), c)} }()
	}
	for range clients {
		a := <-arrived
		screen.Take(a.index, a.news)
	}
	columns := 0
	if out, isFile := w.stdout.(*os.File); isFile {
		columns = terminal.Columns(out)
	}
	fmt.Fprint(w.stdout, screen.Plain(columns))
	if reached, _ := screen.Reached(); reached == 0 {
		return runtimeError{errors.New("no gateway can be reached")}
	}
	return nil
}

// watch shows the screen until the person leaves.
func watch(w world, addresses []string, clients []*adminclient.Client) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	followers := make([]*follower, len(clients))
	for i, c := range clients {
		followers[i] = newFollower(c)
	}
	window := &window{screen: top.New(addresses), followers: followers}
	program := tea.NewProgram(window, tea.WithInput(w.stdin), tea.WithOutput(w.stdout), tea.WithEnvironment(w.environ),
		tea.WithFPS(framesPerSecond))
	for i, f := range followers {
		go f.run(ctx, func(n top.News) { program.Send(arrival{i, n}) })
	}
	_, err := program.Run()
	if err != nil && !errors.Is(err, tea.ErrInterrupted) {
		return runtimeError{err}
	}
	return nil
}

// framesPerSecond is enough for numbers that change once a second, and for scrolling.
const framesPerSecond = 20

// window is the screen in a terminal.
type window struct {
	screen    *top.Screen
	followers []*follower
	width     int
}

// arrival is news of the gateway of an index.
type arrival struct {
	index int
	news  top.News
}

// second is the message of a clock.
type second time.Time

func nextSecond() tea.Cmd {
	return tea.Every(time.Second, func(t time.Time) tea.Msg { return second(t) })
}

// Init asks for the terminal's background, and starts the clock.
func (w *window) Init() tea.Cmd { return tea.Batch(tea.RequestBackgroundColor, nextSecond()) }

// Update passes on what happened.
func (w *window) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		w.screen.Resize(msg.Width, msg.Height)
		w.width = msg.Width
	case tea.BackgroundColorMsg:
		if !msg.IsDark() {
			w.screen.Use(top.Light)
		}
	case arrival:
		w.screen.Take(msg.index, msg.news)
	case second:
		return w, nextSecond()
	case tea.KeyPressMsg:
		if msg.String() == "ctrl+z" {
			return w, tea.Suspend
		}
		if w.screen.Key(msg.String(), time.Now()) {
			return w, tea.Quit
		}
		for _, f := range w.followers {
			f.want(w.screen.Wants())
		}
	}
	return w, nil
}

// View draws the screen, once its size is known.
func (w *window) View() tea.View {
	view := tea.View{AltScreen: true, WindowTitle: "evergate top"}
	if w.width > 0 {
		view.SetContent(w.screen.Frame(time.Now()))
	}
	return view
}
