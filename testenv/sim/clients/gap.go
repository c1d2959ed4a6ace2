package clients

import "fmt"

// Missed says which listener is still connected though it has not heard a message that was published when it listened:
// with CloseOnGap the gateway closes those that may have missed any.
func (w *Group) Missed() string {
	for _, l := range w.listeners() {
		for topic := range l.has {
			for _, m := range w.messages {
				if m.answered && m.at > l.since[topic] && isOf(topic, m.verb, m.name) &&
					l.heard[topic][m.name+" "+m.text] == 0 {
					return fmt.Sprintf("listener %d listens to %s since %v, has missed the message %s of %s at %v, and was not closed",
						l.Number, topic, l.since[topic], m.text, m.name, m.at)
				}
			}
		}
	}
	return ""
}
