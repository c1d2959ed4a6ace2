// Go-clients are the programs of make compat in Go, one for each library: go-clients NAME HOST:PORT. And with
// go-clients maintained HOST:PORT CONNECTIONS on|off go-redis runs with default settings.
//
// With the file of a CA in EVERGATE_CA they speak TLS.
//
// They are a module of their own, so that the gateway's go.mod does not name libraries that only they use.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"slices"
	"time"
)

// programs do the usual work of a library, and give what is to be done steadily.
var programs = map[string]func(ctx context.Context, addr string) (*work, error){
	"go-redis": goRedis, "redigo": redigo, "rueidis": rueidisClient, "valkey-go": valkeyClient, "asynq": asynqClient,
	"redsync": redsyncClient,
}

// secure is what a library needs for TLS; nil without.
var secure *tls.Config

// trust makes secure from the file of a CA.
func trust(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	secure = &tls.Config{RootCAs: x509.NewCertPool()}
	if !secure.RootCAs.AppendCertsFromPEM(text) {
		return fmt.Errorf("%s has no certificate", file)
	}
	return nil
}

func main() {
	if len(os.Args) >= 5 && os.Args[1] == "maintained" {
		isCluster := slices.Equal(os.Args[5:], []string{"cluster"})
		if err := runMaintained(os.Args[2], os.Args[3], os.Args[4], isCluster); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if len(os.Args) != 3 || programs[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: go-clients NAME HOST:PORT")
		os.Exit(2)
	}
	if file := os.Getenv("EVERGATE_CA"); file != "" {
		if err := trust(file); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	w, err := programs[os.Args[1]](ctx, os.Args[2])
	if err == nil {
		err = w.run(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
