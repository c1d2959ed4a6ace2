// Command browser drives the gateway's page in a real Chromium: its tests are the program, a module of their own, so
// that chromedp is no dependency of the gateway. Run alone it serves the page with a made-up gateway, to work on it:
//
//	go run . -listen 127.0.0.1:9999 -scene large -clients 5000 -every 20s
package main

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"time"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:9999", "where the page is served")
	which := flag.String("scene", "small", "one service: small; 10 with 60 servers: large; services in trouble: odd")
	clients := flag.Int("clients", 128, "number of clients")
	every := flag.Duration("every", 0, "a failover each time this long has passed; 0: none")
	flag.Parse()
	s := smallScene(time.Now())
	switch *which {
	case "large":
		s = largeScene(time.Now(), *clients)
	case "odd":
		s = oddScene(time.Now())
	}
	s.clients = *clients
	f := newFake(s)
	go f.live(nil, *every)
	server := &http.Server{Addr: *listen, Handler: f.handler(), ReadHeaderTimeout: 10 * time.Second}
	fmt.Fprintln(os.Stderr, server.ListenAndServe())
	os.Exit(1)
}

// live lets time pass until it is stopped: a sample each second, and failovers.
func (f *fake) live(stop <-chan struct{}, every time.Duration) {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	often := time.NewTicker(20 * time.Millisecond)
	defer often.Stop()
	next := time.Now().Add(every)
	for {
		select {
		case <-stop:
			return
		case now := <-second.C:
			f.tick(now)
		case now := <-often.C:
			if every > 0 && now.After(next) {
				f.strike(0, 0, now)
				next = now.Add(every)
			}
			f.play(now)
		}
	}
}
