package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"evergate/gateway/api"
)

// health adds what every machine may ask without a password, by whatever name.
func (s *Server) health(mux *http.ServeMux) {
	text := func(w http.ResponseWriter, status int, body string) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		_, _ = fmt.Fprintln(w, body) // the client may be gone
	}
	mux.Handle("GET "+api.PathLive, timed(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		text(w, http.StatusOK, "ok")
	})))
	mux.Handle("GET "+api.PathReady, timed(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ready, status := s.conf.Source.Ready(), http.StatusOK
		if !ready.Ready {
			status = http.StatusServiceUnavailable
		}
		switch {
		case r.URL.Query().Has("verbose"):
			writeJSON(w, status, ready)
		case ready.Ready:
			text(w, status, "ok")
		default:
			text(w, status, "not ready: "+strings.Join(ready.NotReady, "; "))
		}
	})))
}

// routes passes the paths of the API to add.
func (s *Server) routes(add func(path string, answer http.HandlerFunc)) {
	from := s.conf.Source
	get := func(path string, answer func(q query) any) {
		add(path, func(w http.ResponseWriter, r *http.Request) {
			extend(w)
			q := query{values: r.URL.Query()}
			body := answer(q)
			if err, wrong := body.(error); wrong {
				refuse(w, http.StatusBadRequest, err.Error())
				return
			}
			writeJSON(w, http.StatusOK, body)
		})
	}
	get(api.PathOverview, func(query) any { return from.Overview() })
	get(api.PathServices, func(query) any { return from.Services() })
	get(api.PathFailovers, func(query) any { return from.Failovers() })
	get(api.PathConfig, func(query) any { return from.Config() })
	get(api.PathClients, func(q query) any {
		service, err := q.service(from)
		limit, limitErr := q.number("limit", api.ClientsLimit, api.ClientsMax)
		sort := q.text("sort", api.SortID)
		if key := strings.TrimPrefix(sort, "-"); !from.SortsBy(key) {
			err = errors.Join(err, errors.New("sort: there is no column of that name"))
		}
		if err = errors.Join(err, limitErr); err != nil {
			return err
		}
		return from.Clients(service, sort, limit)
	})
	get(api.PathSlowlog, func(q query) any {
		service, err := q.service(from)
		limit, limitErr := q.number("limit", api.SlowlogLimit, api.ClientsMax)
		if err = errors.Join(err, limitErr); err != nil {
			return err
		}
		return from.Slowlog(service, limit)
	})
	get(api.PathHotkeys, func(q query) any {
		service, err := q.service(from)
		if err != nil {
			return err
		}
		return from.HotKeys(service)
	})
	get(api.PathSeries, func(q query) any {
		seconds, err := q.number("seconds", api.SeriesSeconds, api.SeriesSeconds)
		if err != nil {
			return err
		}
		return from.Series(seconds)
	})
	add(api.PathEvents, s.stream)
	add("/api/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotFound, "the API has no such path")
	})
}

// reload answers api.PathReload.
func (s *Server) reload(w http.ResponseWriter, r *http.Request) {
	outcome, err := s.conf.Source.Reload(r.Context())
	switch {
	case err != nil:
		refuse(w, http.StatusConflict, err.Error())
	case outcome.Reloaded:
		extend(w)
		writeJSON(w, http.StatusOK, outcome)
	default:
		extend(w)
		writeJSON(w, http.StatusUnprocessableEntity, outcome)
	}
}

// query has the parameters of a request.
type query struct{ values map[string][]string }

func (q query) text(name, without string) string {
	if texts := q.values[name]; len(texts) > 0 && texts[0] != "" {
		return texts[0]
	}
	return without
}

// number returns a parameter from 1 to most.
func (q query) number(name string, without, most int) (int, error) {
	text := q.text(name, "")
	if text == "" {
		return without, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("%s: is not a number from 1 to %d", name, most)
	}
	return n, nil
}

// service returns the name of a service that there is, or none.
func (q query) service(from Source) (string, error) {
	name := q.text("service", "")
	if name != "" && !slices.Contains(from.Overview().Services, name) {
		return "", errors.New("service: there is no service of that name")
	}
	return name, nil
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		panic("web: an answer is no JSON: " + err.Error())
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // the client may be gone
}

// refuse answers with an error.
func refuse(w http.ResponseWriter, status int, why string) {
	extend(w)
	writeJSON(w, status, api.Error{Error: why})
}
