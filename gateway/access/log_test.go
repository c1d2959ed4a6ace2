package access

import (
	"fmt"
	"strings"
	"testing"
)

func summary(entries []Entry) string {
	var all []string
	for _, e := range entries {
		all = append(all, fmt.Sprintf("%d:%s/%s/%s x%d %d-%d",
			e.ID, e.Reason, e.Object, e.User, e.Count, e.Created, e.Updated))
	}
	return strings.Join(all, ", ")
}

func TestLogGroupsTheSame(t *testing.T) {
	l := Log{}
	add := func(r Reason, object, user string, now int64) {
		l.Add(Entry{Reason: r, Phase: TopLevel, Object: object, User: user, Client: fmt.Sprint("at ", now), Updated: now})
	}
	add(Key, "k", "u", 1000)
	add(Command, "get", "u", 2000)
	add(Key, "k", "u", 61000)  // the same: a minute later at most
	add(Key, "k", "v", 61000)  // another user
	add(Key, "k", "u", 121001) // too late
	add(Auth, "AUTH", "x", 121002)
	l.Add(Entry{Reason: Auth, Phase: InMulti, Object: "AUTH", User: "x", Updated: 121003})
	want := "5:auth/AUTH/x x1 121003-121003, 4:auth/AUTH/x x1 121002-121002, 3:key/k/u x1 121001-121001, " +
		"2:key/k/v x1 61000-61000, 0:key/k/u x2 1000-61000, 1:command/get/u x1 2000-2000"
	if got := summary(l.Entries()); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if client := l.Entries()[4].Client; client != "at 61000" {
		t.Errorf("the client is that %s", client)
	}
	l.Reset()
	if len(l.Entries()) != 0 {
		t.Error("entries are left")
	}
	if add(Key, "k", "u", 1); l.Entries()[0].ID != 6 {
		t.Error("an ID is used twice")
	}
}

func TestLogIsBounded(t *testing.T) {
	l := Log{}
	for i := range 1000 {
		l.Add(Entry{Reason: Key, Object: fmt.Sprint(i, strings.Repeat("x", 100_000)), User: "u", Updated: int64(i)})
	}
	entries := l.Entries()
	if len(entries) != LogEntriesMax || entries[0].ID != 999 || cap(l.entries) > 4*LogEntriesMax {
		t.Errorf("%d entries in room for %d, the first is %d", len(entries), cap(l.entries), entries[0].ID)
	}
	for _, e := range entries {
		if len(e.Object) != logObjectBytes {
			t.Fatalf("an object of %d bytes", len(e.Object))
		}
	}
}

func TestLogReply(t *testing.T) {
	entries := []Entry{{ID: 7, Count: 2, Reason: Channel, Phase: InMulti, Object: "news", User: "u", Client: "id=3",
		Created: 1000, Updated: 1500}, {}}
	const want = "$5 count :2 $6 reason $7 channel $7 context $5 multi $6 object $4 news $8 username $1 u " +
		"$11 age-seconds AGE $11 client-info $4 id=3 $8 entry-id :7 $17 timestamp-created :1000 " +
		"$22 timestamp-last-updated :1500"
	for proto, whole := range map[uint8]string{
		2: "*1 *20 " + strings.Replace(want, "AGE", "$4 1.25", 1),
		3: "*1 %10 " + strings.Replace(want, "AGE", ",1.25", 1),
	} {
		if got := visible(AppendLog(nil, proto, entries, 1, 2750)); got != whole {
			t.Errorf("%s\nwant %s", got, whole)
		}
	}
	for line, want := range map[string]string{
		"ACL LOG": "10 false ", "ACL LOG 3": "3 false ", "ACL LOG -3": "0 false ", "ACL LOG 99999999999": "128 false ",
		"ACL LOG reset": "0 true ", "ACL LOG x": "0 false -ERR value is not an integer or out of range",
		"ACL LOG 1 2": "0 false -ERR unknown subcommand or wrong number of arguments for 'LOG'. Try ACL HELP.",
	} {
		count, reset, wrong := LogQuery(bytesOf(strings.Fields(line)))
		if got := fmt.Sprintf("%d %v %s", count, reset, visible(wrong)); got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
	for r, want := range map[Reason]bool{
		Command: true, Key: true, Channel: true, Auth: true,
		SortBy: false, SortGet: false, Allowed: false, KeysUnknown: false,
	} {
		if r.Logged() != want {
			t.Errorf("%d is logged: %v", r, !want)
		}
	}
}
