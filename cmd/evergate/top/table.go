package top

import (
	"slices"
	"strings"
)

// column is a column of a table of T.
type column[T any] struct {
	title string
	// right aligns numbers.
	right bool
	// rank: while a screen is too narrow, the columns of the highest rank are left out; those of rank 0 never are.
	rank int
	// least keeps the column as wide from one second to the next.
	least int
	// flex: the column is cut, down to least or flexLeast, before others are left out.
	flex bool
	cell func(*T) span
	// by sorts rows by the column, the most interesting first; nil: they cannot be sorted by it.
	by func(a, b *T) int
	// ask is the parameter that makes the gateway sort by the column.
	ask string
}

// table is a kind of rows and how they are shown.
type table[T any] struct {
	columns []column[T]
	// note is shown behind the first cell, in place of the others; empty for most rows.
	note func(*T) span
	// chart is drawn in what is left of a wide screen, chartTitle above it; may be nil.
	chart      func(row *T, columns int) string
	chartTitle string
}

// order is the column that a view is sorted by: an index, or natural.
type order struct {
	column  int
	reverse bool
}

const natural = -1

// next moves to the next column that can be sorted by, or back.
func (t *table[T]) next(o order, step int) order {
	for {
		o.column += step
		switch {
		case o.column < natural:
			o.column = len(t.columns)
		case o.column >= len(t.columns):
			return order{column: natural}
		case o.column == natural:
			return order{column: natural}
		case t.columns[o.column].by != nil:
			return order{column: o.column}
		}
	}
}

// arrange returns the rows that contain the filter, in an order. rows stays as it is.
func (t *table[T]) arrange(rows []T, o order, filter string) []T {
	shown := make([]T, 0, len(rows))
	for i := range rows {
		if t.matches(&rows[i], filter) {
			shown = append(shown, rows[i])
		}
	}
	if o.column >= 0 && o.column < len(t.columns) && t.columns[o.column].by != nil {
		by := t.columns[o.column].by
		slices.SortStableFunc(shown, func(a, b T) int { return by(&a, &b) })
	}
	if o.reverse {
		slices.Reverse(shown)
	}
	return shown
}

func (t *table[T]) matches(row *T, filter string) bool {
	if filter == "" {
		return true
	}
	filter = strings.ToLower(filter)
	for _, c := range t.columns {
		if strings.Contains(strings.ToLower(printable(c.cell(row).text)), filter) {
			return true
		}
	}
	return t.note != nil && strings.Contains(strings.ToLower(printable(t.note(row).text)), filter)
}

const (
	// gap is between two columns.
	gap = 2
	// chartLeast and chartMost bound the width of a chart.
	chartLeast, chartMost = 10, 120
	// flexLeast is how wide a flexible column stays.
	flexLeast = 12
)

// lines lays rows out for a screen of so many columns, 0 without a bound; the first line has the titles.
func (t *table[T]) lines(rows []T, columns int, o order) []line {
	cells := make([][]span, len(rows))
	for r := range rows {
		cells[r] = make([]span, len(t.columns))
		for i, c := range t.columns {
			cells[r][i] = c.cell(&rows[r])
			cells[r][i].text = printable(cells[r][i].text)
		}
	}
	widths, chart := t.widths(rows, cells, columns, o)
	head := line{}
	for i, c := range t.columns {
		if widths[i] > 0 {
			head = appendCell(head, span{titled(c.title, o, i), strong}, widths[i], c.right)
		}
	}
	if chart > 0 {
		head = appendCell(head, span{t.chartTitle, strong}, chart, false)
	}
	all := []line{head}
	for r := range rows {
		all = append(all, t.row(&rows[r], cells[r], widths, chart))
	}
	return all
}

// row is the line of one row.
func (t *table[T]) row(row *T, cells []span, widths []int, chart int) line {
	note := span{}
	if t.note != nil {
		note = t.note(row)
	}
	l := line{}
	for i, c := range t.columns {
		if widths[i] == 0 {
			continue
		}
		if note.text != "" && len(l) > 0 {
			break
		}
		l = appendCell(l, cells[i], widths[i], c.right)
	}
	switch {
	case note.text != "":
		return append(l, span{strings.Repeat(" ", gap), plain}, note)
	case chart > 0:
		return append(l, span{strings.Repeat(" ", gap), plain}, span{t.chart(row, chart), faint})
	}
	return l
}

func appendCell(l line, s span, columns int, right bool) line {
	if len(l) > 0 {
		l = append(l, span{strings.Repeat(" ", gap), plain})
	}
	return append(l, span{pad(s.text, columns, right), s.style})
}

// titled is the title of a column, marked if the rows are sorted by it.
func titled(title string, o order, i int) string {
	switch {
	case o.column != i:
		return title
	case o.reverse:
		return title + "▲"
	default:
		return title + "▼"
	}
}

// widths returns that of each column, 0 for those left out, and that of the chart.
func (t *table[T]) widths(rows []T, cells [][]span, columns int, o order) (widths []int, chart int) {
	wanted := make([]int, len(t.columns))
	for i, c := range t.columns {
		wanted[i] = max(c.least, width(titled(c.title, o, i)))
		for r := range cells {
			if i > 0 && t.note != nil && t.note(&rows[r]).text != "" {
				continue
			}
			wanted[i] = max(wanted[i], width(cells[r][i].text))
		}
	}
	if columns == 0 {
		return wanted, 0
	}
	widths = slices.Clone(wanted)
	for i, c := range t.columns {
		if c.flex {
			widths[i] = min(widths[i], max(c.least, flexLeast))
		}
	}
	for sum(widths) > columns && t.leaveOut(widths) {
	}
	shrink(widths, columns)
	for i, c := range t.columns {
		if c.flex && widths[i] > 0 {
			widths[i] = min(wanted[i], widths[i]+max(columns-sum(widths), 0))
		}
	}
	if left := columns - sum(widths) - gap; t.chart != nil && left >= chartLeast {
		chart = min(left, chartMost)
	}
	return widths, chart
}

// shrink takes columns from the widest, until all fit or become unreadable.
func shrink(widths []int, columns int) {
	for sum(widths) > columns {
		widest := 0
		for i := range widths {
			if widths[i] > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= 4 {
			return
		}
		widths[widest]--
	}
}

// leaveOut drops the columns of the highest rank; false if none is left to drop.
func (t *table[T]) leaveOut(widths []int) bool {
	highest := 0
	for i, c := range t.columns {
		if widths[i] > 0 {
			highest = max(highest, c.rank)
		}
	}
	for i, c := range t.columns {
		if c.rank == highest && highest > 0 {
			widths[i] = 0
		}
	}
	return highest > 0
}

// sum is how wide columns are together, with the gaps between them.
func sum(widths []int) int {
	total := -gap
	for _, w := range widths {
		if w > 0 {
			total += w + gap
		}
	}
	return max(total, 0)
}
