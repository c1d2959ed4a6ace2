package sim

import (
	"evergate/gateway/exchange"
	"evergate/gateway/worker"
	"evergate/testenv/sim/scenario"
)

// services are what the gateway is configured to serve.
func (w *world) services() []worker.Service {
	main := worker.Service{Name: "main", Reads: w.Options.Reads,
		Hold:         exchange.Hold{Mode: exchange.HoldFor, Window: w.holdMax()},
		CloseOnGap:   w.Options.CloseOnGap && w.Options.Bug != scenario.KeepOnGap,
		BlockingLost: w.blockingLost()}
	if !w.Options.Wide {
		return []worker.Service{main}
	}
	other := main
	other.Name = "other"
	return []worker.Service{main, other}
}

// blockingLost is that setting.
func (w *world) blockingLost() exchange.BlockingLost {
	switch w.Options.BlockingLost {
	case scenario.AnswerUncertain:
		if w.Options.Bug == scenario.RetryUnasked {
			return exchange.RetryPop
		}
		return exchange.AnswerUncertain
	case scenario.CloseClient:
		return exchange.CloseClient
	}
	return exchange.RetryPop
}
