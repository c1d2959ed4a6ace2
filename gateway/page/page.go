// Package page has the page that shows a gateway in a browser. Its files are in the folder files, embedded as they are:
// JavaScript modules without a build step, one style sheet, and uPlot, which draws the charts. The page reads the HTTP
// API of gateway/api and no other address.
package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

//go:embed files
var embedded embed.FS

// assetsPath is where all files but the page itself are served. The next folder is a hash of them all, so that a
// browser keeps them for good and never mixes those of two versions.
const assetsPath = "assets/"

// placeholder stands in the page for the path of the assets.
const placeholder = "{{assets}}"

// contentPolicy forbids the page other scripts and styles than its own files, other addresses, and to be shown in a
// frame. With trusted types a browser refuses every text as HTML, also by mistake: clients choose their names and keys.
const contentPolicy = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
	"object-src 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// types are the content types by extension.
var types = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
	".svg": "image/svg+xml", ".txt": "text/plain; charset=utf-8",
}

// file is one file, as it is sent.
type file struct {
	plain       []byte
	gzipped     func() []byte // compressed when it is first asked for
	etag        string
	contentType string
	cache       string
}

// New returns what serves the page at "/" and its files below. It answers other paths with 404, and methods other than
// GET and HEAD with 405.
func New() http.Handler {
	served := files()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, found := served[r.URL.Path]
		switch {
		case !found:
			http.NotFound(w, r)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		default:
			f.serve(w, r)
		}
	})
}

// files returns all files by their paths.
func files() map[string]*file {
	names, err := fs.Glob(embedded, "files/*")
	if err == nil {
		var vendored []string
		vendored, err = fs.Glob(embedded, "files/vendor/*")
		names = append(names, vendored...)
	}
	if err != nil {
		panic("page: " + err.Error()) // the patterns are constant
	}
	texts := map[string][]byte{}
	all := sha256.New()
	for _, name := range names {
		if text, err := embedded.ReadFile(name); err == nil { // not a folder
			texts[strings.TrimPrefix(name, "files/")] = text
			all.Write([]byte(name))
			all.Write(text)
		}
	}
	assets := assetsPath + hex.EncodeToString(all.Sum(nil))[:16] + "/"
	served := make(map[string]*file, len(texts))
	for name, text := range texts {
		if name == "index.html" {
			text = bytes.ReplaceAll(text, []byte(placeholder), []byte(assets))
			served["/"] = newFile(name, text, "no-cache")
			continue
		}
		served["/"+assets+name] = newFile(name, text, "public, max-age=31536000, immutable")
	}
	return served
}

func newFile(name string, text []byte, cache string) *file {
	sum := sha256.Sum256(text)
	return &file{
		plain:       text,
		gzipped:     sync.OnceValue(func() []byte { return compress(text) }),
		etag:        `"` + hex.EncodeToString(sum[:8]) + `"`,
		contentType: types[path.Ext(name)],
		cache:       cache,
	}
}

func compress(text []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(text) // a buffer takes everything
	_ = z.Close()
	return b.Bytes()
}

// serve answers with the file, or with 304 if the browser has it.
func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", f.cache)
	h.Set("Vary", "Accept-Encoding")
	h.Set("Content-Type", f.contentType)
	h.Set("Etag", f.etag)
	body := f.plain
	if acceptsGzip(r) {
		h.Set("Content-Encoding", "gzip")
		h.Set("Etag", strings.TrimSuffix(f.etag, `"`)+`-gzip"`)
		body = f.gzipped()
	}
	if h.Get("Etag") == r.Header.Get("If-None-Match") {
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the browser may have left
	}
}

// acceptsGzip returns whether the browser takes gzip. Browsers do not send it with a quality of 0.
func acceptsGzip(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept-Encoding"), "gzip")
}
