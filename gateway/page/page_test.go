package page

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"testing"
)

// bundleMax bounds what a browser loads for the page, compressed, and fileLinesMax each file that is ours.
const (
	bundleMax    = 68 << 10
	fileLinesMax = 400
	lineRunesMax = 120
)

// get asks the handler. Headers alternate names and values.
func get(t *testing.T, method, target string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	New().ServeHTTP(w, r)
	return w
}

var asset = regexp.MustCompile(`(?:src|href)="(assets/[^"]+)"`)

// assets returns the paths of the files that the page names.
func assets(t *testing.T) (paths []string) {
	t.Helper()
	for _, m := range asset.FindAllStringSubmatch(get(t, "GET", "/").Body.String(), -1) {
		paths = append(paths, "/"+m[1])
	}
	if len(paths) < 5 {
		t.Fatalf("the page names only %v", paths)
	}
	return paths
}

func TestPageForbidsForeignScriptsAndFrames(t *testing.T) {
	for _, target := range append(assets(t), "/") {
		h := get(t, "GET", target).Header()
		for name, want := range map[string]string{"Content-Security-Policy": "default-src 'self'",
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer"} {
			if !strings.HasPrefix(h.Get(name), want) {
				t.Errorf("%s: %s is %q", target, name, h.Get(name))
			}
		}
		for _, banned := range []string{"unsafe", "data:", "http", "*"} {
			if strings.Contains(h.Get("Content-Security-Policy"), banned) {
				t.Errorf("%s: the policy has %s: %s", target, banned, h.Get("Content-Security-Policy"))
			}
		}
	}
}

func TestBrowsersKeepFilesForGoodAndAskForThePage(t *testing.T) {
	if cache := get(t, "GET", "/").Header().Get("Cache-Control"); cache != "no-cache" {
		t.Errorf("the page: %s", cache)
	}
	for _, target := range append(assets(t), "/") {
		first := get(t, "GET", target)
		if first.Code != http.StatusOK || first.Header().Get("Content-Type") == "" {
			t.Errorf("%s: %d, %s", target, first.Code, first.Header().Get("Content-Type"))
		}
		if cache := first.Header().Get("Cache-Control"); target != "/" && !strings.Contains(cache, "immutable") {
			t.Errorf("%s: %s", target, cache)
		}
		later := get(t, "GET", target, "If-None-Match", first.Header().Get("Etag"))
		if later.Code != http.StatusNotModified || later.Body.Len() > 0 {
			t.Errorf("%s again: %d, %d bytes", target, later.Code, later.Body.Len())
		}
		if other := get(t, "GET", target, "If-None-Match", `"other"`); other.Code != http.StatusOK {
			t.Errorf("%s with another etag: %d", target, other.Code)
		}
	}
}

func TestFilesAreSentCompressed(t *testing.T) {
	total := 0
	for target, f := range files() {
		w := get(t, "GET", target, "Accept-Encoding", "br, gzip")
		if w.Header().Get("Content-Encoding") != "gzip" || w.Header().Get("Etag") == f.etag {
			t.Errorf("%s: %v", target, w.Header())
		}
		total += w.Body.Len()
		z, err := gzip.NewReader(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(z); err != nil || !bytes.Equal(text, f.plain) {
			t.Errorf("%s: other bytes (%v)", target, err)
		}
		if head := get(t, "HEAD", target); head.Body.Len() > 0 || head.Header().Get("Content-Length") == "" {
			t.Errorf("HEAD %s: %d bytes, %v", target, head.Body.Len(), head.Header())
		}
	}
	if t.Logf("%d bytes compressed", total); total > bundleMax {
		t.Errorf("the page has %d bytes compressed, at most %d are allowed", total, bundleMax)
	}
}

func TestOtherPathsAndMethods(t *testing.T) {
	for _, target := range []string{"/index.html", "/assets/", "/assets/0/app.js", "/files/app.js", "/../page.go"} {
		if w := get(t, "GET", target); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", target, w.Code)
		}
	}
	if w := get(t, "POST", "/"); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d", w.Code)
	}
}

func TestLicenceOfUPlotIsServed(t *testing.T) {
	for target, f := range files() {
		if path.Base(target) == "uPlot.LICENSE.txt" {
			if text := string(f.plain); !strings.Contains(text, "MIT License") || !strings.Contains(text, "Leon Sorokin") {
				t.Errorf("not uPlot's licence: %s", text)
			}
			return
		}
	}
	t.Error("the licence of uPlot is missing")
}

// TestPageIsPlainCode: no text becomes HTML, nothing is inline, no address is foreign, and files are of readable size.
func TestPageIsPlainCode(t *testing.T) {
	html := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|` +
		`createContextualFragment|setHTMLUnsafe`)
	foreign := regexp.MustCompile(`(?i)["'(]\s*(?:https?:)?//`)
	inline := regexp.MustCompile(`<script>|<style|\sstyle=|\son[a-z]+=`)
	for target, f := range files() {
		text := string(f.plain)
		if found := html.FindString(text); found != "" {
			t.Errorf("%s has %s", target, found)
		}
		if strings.Contains(target, "/vendor/") {
			continue
		}
		if found := foreign.FindString(strings.ReplaceAll(text, "http://www.w3.org/", "")); found != "" {
			t.Errorf("%s has a foreign address: %s", target, found)
		}
		if found := inline.FindString(text); target == "/" && found != "" {
			t.Errorf("the page has %s", found)
		}
		if n := strings.Count(text, "\n"); n > fileLinesMax {
			t.Errorf("%s has %d lines, at most %d are allowed", target, n, fileLinesMax)
		}
		for i, line := range strings.Split(text, "\n") {
			if len([]rune(line)) > lineRunesMax {
				t.Errorf("%s:%d has %d characters", target, i+1, len([]rune(line)))
			}
		}
	}
}

// TestModulesAreAnnounced: the page names every module, so that a browser loads them at once and not one after another.
func TestModulesAreAnnounced(t *testing.T) {
	named := strings.Join(assets(t), " ")
	for target := range files() {
		if path.Ext(target) == ".js" && !strings.Contains(named, target) {
			t.Errorf("the page does not name %s", target)
		}
	}
}
