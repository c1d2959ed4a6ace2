package web

import (
	"net/http"
	"strings"
	"testing"

	"evergate/gateway/api"
)

// TestReloadNeedsAPassword: what changes the gateway needs the password, POST, this server's name, and no other page.
func TestReloadNeedsAPassword(t *testing.T) {
	password := func() (string, error) { return "secret", nil }
	post := func(r *http.Request) { r.Method = http.MethodPost }
	known := func(r *http.Request) {
		post(r)
		r.SetBasicAuth("any", "secret")
	}
	for _, c := range []struct {
		name     string
		password func() (string, error)
		change   func(*http.Request)
		want     int
	}{
		{"with the password", password, known, 200},
		{"without the password", password, post, 401},
		{"with another password", password, func(r *http.Request) { post(r); r.SetBasicAuth("any", "x") }, 401},
		{"where there is no password", nil, post, 403},
		{"with GET", password, func(r *http.Request) { r.SetBasicAuth("any", "secret") }, 404},
		{"by a foreign name", password, func(r *http.Request) { known(r); r.Host = "evil.example" }, 421},
		{"from another page", password, func(r *http.Request) {
			known(r)
			r.Header.Set("Origin", "http://evil.example")
		}, 403},
		{"by a form of another page", password, func(r *http.Request) {
			known(r)
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Sec-Fetch-Mode", "navigate")
			r.Header.Set("Sec-Fetch-Dest", "document")
		}, 403},
		{"from this page", password, func(r *http.Request) { known(r); r.Header.Set("Sec-Fetch-Site", "same-origin") }, 200},
	} {
		from := &source{outcome: api.Reload{Reloaded: true}}
		s, client := serve(t, Config{Source: from, Terms: Terms{Password: c.password}}, true)
		status, text, _ := request(t, s, client, api.PathReload, c.change)
		if status != c.want || (from.reloads == 1) != (c.want == 200) {
			t.Errorf("%s: %d %s, %d reloads", c.name, status, text, from.reloads)
		}
	}
}

func TestReloadAnswersItsOutcome(t *testing.T) {
	from := &source{outcome: api.Reload{Error: "1 mistake", Mistakes: []api.Mistake{{Source: "a:1", Problem: "is wrong"}}}}
	password := func() (string, error) { return "secret", nil }
	s, client := serve(t, Config{Source: from, Terms: Terms{Password: password}}, true)
	ask := func() (int, string) {
		status, text, _ := request(t, s, client, api.PathReload, func(r *http.Request) {
			r.Method = http.MethodPost
			r.SetBasicAuth("", "secret")
		})
		return status, strings.TrimSpace(text)
	}
	if status, text := ask(); status != 422 || text != `{"reloaded":false,"error":"1 mistake",`+
		`"mistakes":[{"source":"a:1","problem":"is wrong"}],"changed":null,"need_restart":null}` {
		t.Errorf("%d %s", status, text)
	}
	from.outcome.Error = "cannot"
	if status, text := ask(); status != 409 || text != `{"error":"it cannot"}` {
		t.Errorf("%d %s", status, text)
	}
}
