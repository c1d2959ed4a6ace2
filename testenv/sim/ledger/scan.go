package ledger

import (
	"bytes"
	"maps"
	"slices"

	"evergate/testenv/sim/network"
)

// Cursor is a scan from its first page to its last.
type Cursor struct {
	// Next is the cursor of the next page; empty when there is none.
	Next string
	// unseen are the keys that were there when it began, and since, and were on no page.
	unseen map[string]bool
	pages  int
	first  *Request
}

// Begins notes that a scan begins, with the keys that are there.
func (l *Ledger) Begins(there []string) *Cursor {
	k := &Cursor{Next: "0", unseen: map[string]bool{}}
	for _, key := range there {
		k.unseen[key] = true
	}
	l.cursors = append(l.cursors, k)
	return k
}

// Turns notes that a request asks for the next page of a scan.
func (l *Ledger) Turns(r *Request, k *Cursor) {
	if r.cursor = k; k.first == nil {
		k.first = r
	}
}

// Absent notes that a server has lost a key: it is not there all the time.
func (l *Ledger) Absent(key string) {
	for _, k := range l.cursors {
		delete(k.unseen, key)
	}
}

// pageRead checks a page of a scan, and at its end that no key was left out.
func (l *Ledger) pageRead(r *Request, reply []byte) {
	head, rest, ok := bytes.Cut(reply, []byte("\r\n$"))
	size, rest, also := bytes.Cut(rest, []byte("\r\n"))
	next, keys, last := bytes.Cut(rest, []byte("\r\n"))
	if !ok || !also || !last || string(head) != "*2" || len(size) == 0 || len(keys) == 0 || keys[0] != '*' {
		l.Fail("%v was answered %q", r, network.Clip(reply))
		return
	}
	k := r.cursor
	for _, key := range elementsOf(keys) {
		delete(k.unseen, key)
	}
	k.pages++
	if k.Next = string(next); k.Next != "0" {
		return
	}
	k.Next = ""
	l.cursors = slices.DeleteFunc(l.cursors, func(other *Cursor) bool { return other == k })
	l.Scanned, l.Pages = l.Scanned+1, l.Pages+k.pages
	if len(k.unseen) > 0 {
		l.Fail("the scan that %v began and %v ended did not see %q, which were there all the time", k.first, r,
			slices.Sorted(maps.Keys(k.unseen)))
	}
}
