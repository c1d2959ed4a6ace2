package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// row is the result of one client in one topology.
type row struct {
	client  client
	place   string
	results results
	lost    []string
	left    string // why it was not run
	failed  string // why it did not pass
	unknown int
}

// measure runs a client and judges it.
func measure(ctx context.Context, c client, place topology, verbose bool) row {
	r := row{client: c, place: place.name}
	if r.left = cmp.Or(c.unfit[place.name], c.absent()); r.left != "" {
		return r
	}
	var err error
	if r.results, r.lost, err = play(ctx, c, place, verbose); err == nil {
		r.unknown, err = judge(r.results, r.lost)
	}
	if err != nil {
		r.failed = err.Error()
	}
	return r
}

// uncertain is in the text of an UNCERTAIN error. Libraries put words before it.
const uncertain = "UNCERTAIN evergate"

// judge checks whether the gateway kept its promises, and counts the UNCERTAIN errors.
func judge(s results, lost []string) (unknown int, err error) {
	var broken []error
	for text, times := range s.Errors {
		if strings.Contains(text, uncertain) {
			unknown += times
			continue
		}
		broken = append(broken, fmt.Errorf("%d times: %s", times, text))
	}
	may := 0
	for _, receipt := range lost {
		number, _ := strconv.Atoi(receipt)
		may += number
	}
	if s.Missing > may && !slices.Contains(lost, "unknown") {
		broken = append(broken, fmt.Errorf("%d acknowledged are missing, the receipts tell of %v", s.Missing, lost))
	}
	if s.Twice > 0 {
		broken = append(broken, fmt.Errorf("%d were done twice", s.Twice))
	}
	if len(s.Ran) == 0 || s.Acknowledged == 0 {
		broken = append(broken, errors.New("nothing was done"))
	}
	return unknown, errors.Join(broken...)
}

// result returns the last cell of a row.
func (r *row) result() string {
	switch {
	case r.left != "":
		return "not run: " + r.left
	case r.failed != "":
		return "**failed**: " + strings.Join(strings.Fields(r.failed), " ")
	}
	text := fmt.Sprintf("%d operations, 0 errors, %d UNCERTAIN; %d acknowledged, %d missing", r.results.Operations,
		r.unknown, r.results.Acknowledged, r.results.Missing)
	if len(r.lost) > 0 {
		text += " (receipt: at most " + strings.Join(r.lost, ", ") + ")"
	}
	return text
}

func (r *row) line() string {
	return fmt.Sprintf("%-13s %-8s %s", r.client.name, r.place, r.result())
}
