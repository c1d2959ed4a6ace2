package worker_test

import (
	"slices"

	"evergate/gateway/policy"
	"evergate/gateway/worker"
)

// verify tells what a server is to be asked about a client.
func (p *player) verify(v policy.Verification) {
	text := "verify " + p.client[v.Client.ID] + ": "
	if v.Ahead {
		text = "verify ahead: "
	}
	if v.As.None() {
		text += "without AUTH"
	}
	for i, word := range v.As.Auth() {
		if i > 0 {
			text += " "
		}
		text += word
	}
	p.reports = append(p.reports, text)
	p.unsaid = append(p.unsaid, v)
}

// verdict has a server answer what it was asked about a client first, or ahead.
func (p *player) verdict(client, text string) {
	id := p.clients[client]
	i := slices.IndexFunc(p.unsaid, func(v policy.Verification) bool {
		return v.Ahead == (client == "ahead") && (v.Ahead || v.Client.ID == id)
	})
	if i < 0 {
		p.effect("no server was asked about %s", client)
		return
	}
	v := p.unsaid[i]
	p.unsaid = slices.Delete(p.unsaid, i, i+1)
	var wrong []byte
	if text != "OK" {
		wrong = expand(text)
	}
	worker.Verified(p.loop.Worker, &v, wrong)
	p.loop.Check()
}
