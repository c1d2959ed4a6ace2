package top

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"evergate/gateway/api"
)

// slowRow is a slow command.
type slowRow struct {
	gw      *gateway
	command *api.SlowCommand
}

// slowRows are the slow commands of all gateways, newest first.
func (s *Screen) slowRows() (rows []slowRow) {
	for i := range s.shown() {
		g := &s.shown()[i]
		for j := range g.slowlog.Commands {
			rows = append(rows, slowRow{g, &g.slowlog.Commands[j]})
		}
	}
	slices.SortStableFunc(rows, func(a, b slowRow) int { return b.command.At.Compare(a.command.At) })
	return rows
}

// keysText are the keys of a command.
func keysText(c *api.SlowCommand) string {
	text := strings.Join(c.Keys, " ")
	if c.KeysMore > 0 {
		text = strings.TrimSpace(fmt.Sprintf("%s (%s)", text, plural(c.KeysMore, "more key")))
		if len(c.Keys) == 0 {
			text = plural(c.KeysMore, "key")
		}
	}
	return text
}

func (s *Screen) slowTable() *table[slowRow] {
	type row = slowRow
	part := func(title string, rank int, of func(*api.SlowCommand) float64) column[row] {
		return column[row]{title: title, right: true, least: 7, rank: rank,
			cell: func(r *row) span { return span{short(micros(of(r.command))), plain} },
			by:   func(a, b *row) int { return cmp.Compare(of(b.command), of(a.command)) }}
	}
	columns := []column[row]{
		{title: "ended", least: 8, cell: func(r *row) span { return span{clock(r.command.At), plain} }},
	}
	if len(s.gateways) > 1 {
		columns = append(columns, first("gateway", func(r *row) *gateway { return r.gw }))
	}
	columns = append(columns,
		column[row]{title: "service", rank: 4, cell: func(r *row) span { return span{r.command.Service, plain} }},
		column[row]{title: "command", cell: func(r *row) span { return span{r.command.Command, strong} },
			by: func(a, b *row) int { return cmp.Compare(a.command.Command, b.command.Command) }},
		part("time", 0, func(c *api.SlowCommand) float64 { return c.Duration }),
		part("in gateway", 1, func(c *api.SlowCommand) float64 { return c.Gateway }),
		part("server", 1, func(c *api.SlowCommand) float64 { return c.Server }),
		part("hold", 1, func(c *api.SlowCommand) float64 { return c.Hold }),
		part("acks", 3, func(c *api.SlowCommand) float64 { return c.Acks }),
		column[row]{title: "request", right: true, rank: 6,
			cell: func(r *row) span { return span{size(r.command.RequestBytes), plain} },
			by:   func(a, b *row) int { return cmp.Compare(b.command.RequestBytes, a.command.RequestBytes) }},
		column[row]{title: "reply", right: true, rank: 5,
			cell: func(r *row) span { return span{size(r.command.ReplyBytes), plain} },
			by:   func(a, b *row) int { return cmp.Compare(b.command.ReplyBytes, a.command.ReplyBytes) }},
		column[row]{title: "client", rank: 2, flex: true,
			cell: func(r *row) span { return span{clientText(r.command), plain} }},
		column[row]{title: "node", rank: 3, cell: func(r *row) span { return span{r.command.Node, faint} }},
		column[row]{title: "keys", flex: true, cell: func(r *row) span { return span{keysText(r.command), faint} }},
	)
	return &table[row]{columns: columns}
}

func clientText(c *api.SlowCommand) string {
	if c.Name != "" {
		return c.Name + " " + c.Client
	}
	return c.Client
}

// slowRemark says which commands are recorded.
func (s *Screen) slowRemark() string {
	text := []string{}
	for i := range s.shown() {
		g := &s.shown()[i]
		prefix := ""
		if len(s.gateways) > 1 {
			prefix = g.label + ": "
		}
		switch {
		case g.lost != "" || g.slowlog.Now.IsZero():
		case g.slowlog.Threshold == nil:
			text = append(text, prefix+"no command is recorded")
		default:
			text = append(text, fmt.Sprintf("%s%s took longer than %s", prefix,
				plural(int(g.slowlog.Total), "command"), short(g.slowlog.Threshold)))
		}
	}
	return strings.Join(text, "; ")
}

// keyRow is a hot key, or a big one.
type keyRow struct {
	gw  *gateway
	hot *api.HotKey
	big *api.BigKey
}

func (s *Screen) keyRows() (rows []keyRow) {
	for i := range s.shown() {
		g := &s.shown()[i]
		for j := range g.hotKeys.Hot {
			rows = append(rows, keyRow{gw: g, hot: &g.hotKeys.Hot[j]})
		}
		for j := range g.hotKeys.Big {
			rows = append(rows, keyRow{gw: g, big: &g.hotKeys.Big[j]})
		}
	}
	slices.SortStableFunc(rows, func(a, b keyRow) int {
		return cmp.Or(cmp.Compare(b.perSecond(), a.perSecond()), cmp.Compare(b.bytes(), a.bytes()))
	})
	return rows
}

func (r *keyRow) perSecond() float64 {
	if r.hot == nil {
		return -1
	}
	return r.hot.PerSecond
}

func (r *keyRow) bytes() int64 {
	if r.big == nil {
		return -1
	}
	return r.big.Bytes
}

// name is the key, or that it is not shown.
func (r *keyRow) name() span {
	key := ""
	if r.hot != nil {
		key = r.hot.Key
	} else {
		key = r.big.Key
	}
	if key == "" && !r.gw.hotKeys.KeysShown {
		return span{"(not shown)", faint}
	}
	return span{key, strong}
}

func (r *keyRow) service() string {
	if r.hot != nil {
		return r.hot.Service
	}
	return r.big.Service
}

func (s *Screen) keyTable() *table[keyRow] {
	type row = keyRow
	columns := []column[row]{}
	if len(s.gateways) > 1 {
		columns = append(columns, first("gateway", func(r *row) *gateway { return r.gw }))
	}
	columns = append(columns,
		column[row]{title: "", cell: func(r *row) span {
			if r.hot != nil {
				return span{"hot", warn}
			}
			return span{"big", plain}
		}},
		column[row]{title: "service", rank: 2, cell: func(r *row) span { return span{r.service(), plain} }},
		column[row]{title: "req/s", right: true, least: 7, cell: func(r *row) span {
			if r.hot == nil {
				return span{}
			}
			return span{"~" + rate(r.hot.PerSecond), plain}
		}, by: func(a, b *row) int { return cmp.Compare(b.perSecond(), a.perSecond()) }},
		column[row]{title: "share", right: true, least: 5, cell: func(r *row) span {
			if r.hot == nil {
				return span{}
			}
			return span{fmt.Sprintf("%.1f%%", 100*r.hot.Share), plain}
		}},
		column[row]{title: "size", right: true, least: 5, cell: func(r *row) span {
			if r.big == nil {
				return span{}
			}
			return span{size(r.big.Bytes), plain}
		}, by: func(a, b *row) int { return cmp.Compare(b.bytes(), a.bytes()) }},
		column[row]{title: "by", rank: 3, cell: func(r *row) span {
			if r.big == nil {
				return span{}
			}
			return span{r.big.Command + " at " + clock(r.big.At), faint}
		}},
		column[row]{title: "key", flex: true, cell: (*row).name,
			by: func(a, b *row) int { return cmp.Compare(a.name().text, b.name().text) }},
	)
	return &table[row]{columns: columns}
}

// keyRemark says how keys are sampled.
func (s *Screen) keyRemark() string {
	text := []string{}
	for i := range s.shown() {
		g := &s.shown()[i]
		h, prefix := &g.hotKeys, ""
		if len(s.gateways) > 1 {
			prefix = g.label + ": "
		}
		switch {
		case g.lost != "" || h.Now.IsZero():
		case !h.On:
			text = append(text, prefix+"keys are not sampled")
		default:
			text = append(text, fmt.Sprintf("%s1 of %s requests in the last %s", prefix, number(h.SampleOneIn),
				ago(seconds(h.Window))))
		}
	}
	return strings.Join(text, "; ")
}

// clientRow is a client of a gateway.
type clientRow struct {
	gw     *gateway
	client *api.Client
}

func (s *Screen) clientRows() (rows []clientRow) {
	for i := range s.shown() {
		g := &s.shown()[i]
		for j := range g.clients.Clients {
			rows = append(rows, clientRow{g, &g.clients.Clients[j]})
		}
	}
	return rows
}

func (r *clientRow) library() string {
	return strings.TrimSpace(r.client.Library + " " + r.client.LibraryVersion)
}

// waits is why the next request of a client waits, and for how long.
func (r *clientRow) waits() span {
	switch {
	case r.client.Waits == "":
		return span{}
	case r.client.Waited != nil:
		return span{r.client.Waits + " " + short(millis(*r.client.Waited)), warn}
	default:
		return span{r.client.Waits, plain}
	}
}

func (s *Screen) clientTable() *table[clientRow] {
	type row = clientRow
	columns := []column[row]{}
	if len(s.gateways) > 1 {
		columns = append(columns, first("gateway", func(r *row) *gateway { return r.gw }))
	}
	columns = append(columns,
		column[row]{title: "id", right: true, rank: 7, ask: api.SortID,
			cell: func(r *row) span { return span{fmt.Sprint(r.client.ID), faint} },
			by:   func(a, b *row) int { return cmp.Compare(a.client.ID, b.client.ID) }},
		column[row]{title: "address", ask: api.SortAddr, cell: func(r *row) span { return span{r.client.Addr, plain} },
			by: func(a, b *row) int { return cmp.Compare(a.client.Addr, b.client.Addr) }},
		column[row]{title: "name", flex: true, cell: func(r *row) span { return span{r.client.Name, strong} }},
		column[row]{title: "service", rank: 4, cell: func(r *row) span { return span{r.client.Service, plain} }},
		column[row]{title: "user", rank: 5, ask: api.SortUser, cell: func(r *row) span { return span{r.client.User, plain} },
			by: func(a, b *row) int { return cmp.Compare(a.client.User, b.client.User) }},
		column[row]{title: "library", rank: 3, cell: func(r *row) span { return span{r.library(), faint} }},
		column[row]{title: "db", right: true, rank: 8,
			cell: func(r *row) span { return span{fmt.Sprint(r.client.DB), faint} }},
		column[row]{title: "age", right: true, ask: "-" + api.SortAge, rank: 6, least: 5,
			cell: func(r *row) span { return span{ago(seconds(r.client.Age)), plain} },
			by:   func(a, b *row) int { return cmp.Compare(b.client.Age, a.client.Age) }},
		column[row]{title: "idle", right: true, ask: "-" + api.SortIdle, least: 5,
			cell: func(r *row) span { return span{ago(seconds(r.client.Idle)), plain} },
			by:   func(a, b *row) int { return cmp.Compare(b.client.Idle, a.client.Idle) }},
		column[row]{title: "memory", right: true, ask: "-" + api.SortMemory, least: 5,
			cell: func(r *row) span { return span{size(r.client.Memory), plain} },
			by:   func(a, b *row) int { return cmp.Compare(b.client.Memory, a.client.Memory) }},
		column[row]{title: "command", ask: api.SortCommand, cell: func(r *row) span { return span{r.client.Command, plain} },
			by: func(a, b *row) int { return cmp.Compare(a.client.Command, b.client.Command) }},
		column[row]{title: "waits", ask: "-" + api.SortWaits, cell: (*row).waits,
			by: func(a, b *row) int { return compareWaits(b.client, a.client) }},
	)
	return &table[row]{columns: columns}
}

// compareWaits orders clients by how long their requests have waited, those that do not wait first.
func compareWaits(a, b *api.Client) int {
	return cmp.Or(compareTimes(a.Waited, b.Waited), cmp.Compare(a.Waits, b.Waits))
}

// clientRemark says how many clients are not shown.
func (s *Screen) clientRemark(now time.Time) string {
	shown, all := 0, 0
	for i := range s.shown() {
		shown, all = shown+s.shown()[i].clients.Shown, all+s.shown()[i].clients.Total
	}
	if shown == all {
		return plural(all, "client")
	}
	return fmt.Sprintf("%s of %s", number(shown), plural(all, "client"))
}
