package status

import (
	"fmt"

	"evergate/gateway/api"
	"evergate/topology"
)

// Readiness is what decides whether the gateway takes requests.
type Readiness struct {
	// Listening: all listeners are open. Draining: the gateway is stopping.
	Listening, Draining bool
	Services            []ReadyService
}

// ReadyService is a service: had says that it had a primary once, View is its newest view, nil for none. Added: it was
// added while the gateway ran, and must not take clients of other services away from it.
type ReadyService struct {
	Name       string
	Had, Added bool
	View       *topology.View
}

// Ready reports whether the gateway takes requests, and which services work in part only.
func Ready(r Readiness) api.Ready {
	notReady, partly := []string{}, []string{}
	if !r.Listening {
		notReady = append(notReady, "the gateway is starting")
	}
	if r.Draining {
		notReady = append(notReady, "the gateway is draining")
	}
	for _, s := range r.Services {
		if !s.Had && s.Added {
			partly = append(partly, "service "+s.Name+" has had no primary since it was added")
		} else if !s.Had {
			notReady = append(notReady, "service "+s.Name+" has had no primary since the start")
		} else if s.View != nil {
			partly = append(partly, degraded(s.Name, s.View)...)
		}
	}
	return api.Ready{Ready: len(notReady) == 0, NotReady: notReady, Degraded: partly}
}

// degraded has a sentence for each part of a service that does not work.
func degraded(name string, v *topology.View) (sentences []string) {
	for i := range v.Shards {
		if sh := &v.Shards[i]; sh.Primary == nil || sh.Condition != topology.Steady {
			sentences = append(sentences, fmt.Sprintf("service %s: shard %s is %s", name, sh.Name, sh.Condition))
		}
	}
	if !v.Complete() {
		sentences = append(sentences, "service "+name+": some slots are served by no shard")
	}
	return sentences
}

// HasPrimary reports whether a shard of a view has a primary.
func HasPrimary(v *topology.View) bool {
	for i := range v.Shards {
		if v.Shards[i].Primary != nil {
			return true
		}
	}
	return false
}
