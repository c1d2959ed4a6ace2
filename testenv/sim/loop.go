package sim

import (
	"time"
)

// round is one turn of everybody.
func (w *world) round() {
	w.advance()
	w.happen()
	w.publish()
	for _, s := range w.sentinels {
		s.turn()
	}
	if w.keeper != nil {
		w.keeper.turn()
	}
	for _, g := range w.gates {
		g.round()
	}
	for _, n := range w.nodes {
		if w.keeper != nil {
			n.copyPrimary()
			if w.o.Voice == Bus {
				n.gossip()
			}
		} else {
			n.replicate()
		}
	}
	w.serveSockets()
	for _, c := range w.clients {
		c.play()
	}
}

// advance moves the clock: usually a little, when it is calm to what happens next.
func (w *world) advance() {
	longest := 80 * time.Millisecond
	if w.o.Planned {
		longest /= 10
	}
	switch w.rnd.IntN(20) {
	case 0:
		w.now += w.between(0, longest)
	case 1, 2, 3:
		w.now += w.between(0, 5*time.Millisecond)
	default:
		w.now += w.between(0, 400*time.Microsecond)
	}
	if w.calm || w.keeper != nil {
		w.now += time.Millisecond
	}
}

// piece is how much one read returns: mostly all, sometimes a few bytes.
func (w *world) piece() int {
	switch w.rnd.IntN(6) {
	case 0:
		return 1 + w.rnd.IntN(8)
	case 1:
		return 1 + w.rnd.IntN(300)
	}
	return 64 << 10
}

// serveSockets lets the nodes work on their connections.
func (w *world) serveSockets() {
	kept := w.sockets[:0]
	for _, l := range w.sockets {
		n := l.node
		if l.served && n.up() && !w.cut(gateway, n.place()) && w.now >= l.lateUntil {
			n.serve(l)
		}
		if l.gone && l.toNode.size == 0 { // the node reads the end
			l.served = false
		}
		if l.served || !l.gone {
			kept = append(kept, l)
		}
	}
	clear(w.sockets[len(kept):])
	w.sockets = kept
}
