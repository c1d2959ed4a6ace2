// Package direct sends commands to single servers, on connections of the control plane, apart from those of the
// workers: CONFIG (config.go), INFO (info.go), CLIENT UNBLOCK
// (unblock.go), and questions about the users that the servers know. Such commands are
// rare. Begin with Service.
package direct

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"evergate/gateway/config"
	"evergate/gateway/resp"
	"evergate/topology"
)

// Service is one service, whose servers get the commands. Any goroutine may call its methods.
type Service struct {
	About
	rounds   rounds
	unblocks unblocks
}

// About is what it needs of the service.
type About struct {
	Name   string
	Logger hclog.Logger
	// Conf returns its settings in use, View its newest view.
	Conf func() *config.Service
	View func() *topology.View
	// Ask sends a command to the server at addr, as watch.Watched does.
	Ask func(ctx context.Context, addr string, args ...string) (reply any, err error)
	// AskMany sends several commands, as watch.Watched does.
	AskMany func(ctx context.Context, addr string, commands [][]any) (replies []int64, err error)
	// Aside runs a function on a goroutine of its own, with a context that ends with the gateway.
	Aside func(f func(ctx context.Context))
}

// New returns a service.
func New(about About) *Service { return &Service{About: about} }

// Reply is one server's reply to a command.
type Reply struct {
	Node  *topology.Node
	Reply any
	Err   error
}

// each sends a command to several servers at once, and waits for all of them until ctx ends.
func (s *Service) each(ctx context.Context, nodes []*topology.Node, args ...string) []Reply {
	all := make([]Reply, len(nodes))
	var wg sync.WaitGroup
	for i, n := range nodes {
		all[i].Node = n
		wg.Go(func() { all[i].Reply, all[i].Err = s.Ask(ctx, n.Addr, args...) })
	}
	wg.Wait()
	return all
}

// Question has a question put to the servers one after the other, primaries first, until one answers: with an error,
// or nil. It returns an error of its own when none does for as long as patience.
func (s *Service) Question(ctx context.Context, patience time.Duration,
	question func(ctx context.Context, addr string) (wrong []byte, err error)) []byte {
	why, deadline := "there is none", time.Now().Add(patience)
	for {
		for _, n := range inTurn(s.View()) {
			wrong, err := question(ctx, n.Addr)
			if err == nil {
				return wrong
			}
			why = err.Error()
		}
		if !time.Now().Before(deadline) || !pause(ctx, retryEvery) {
			return resp.AppendError(nil, "LOADING evergate: service '"+s.Name+
				"': no server could check the user: "+why+"; the command was not executed")
		}
	}
}

// inTurn are the servers of a view that may be asked: primaries, then replicas.
func inTurn(v *topology.View) (nodes []*topology.Node) {
	if v == nil {
		return nil
	}
	for i := range v.Shards {
		if p := v.Shards[i].Primary; p != nil {
			nodes = append(nodes, p)
		}
	}
	for i := range v.Shards {
		nodes = append(nodes, v.Shards[i].Replicas...)
	}
	return nodes
}
