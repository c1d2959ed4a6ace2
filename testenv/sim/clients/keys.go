package clients

import (
	"fmt"

	"evergate/testenv/sim/scenario"
)

// key picks one of the client's own keys, or one that all use.
func (c *Client) key() string {
	w := c.w
	tag := w.Rnd.IntN(scenario.Tags)
	if w.Rnd.IntN(4) == 0 {
		return fmt.Sprintf("{t%d}s", tag)
	}
	return fmt.Sprintf("{t%d}p%d", tag%3, c.owner())
}

// keys picks two to four different keys.
func (c *Client) keys() []string {
	var keys []string
	for range 2 + c.w.Rnd.IntN(3) {
		k := c.key()
		for _, other := range keys {
			if other == k {
				k = ""
				break
			}
		}
		if k != "" {
			keys = append(keys, k)
		}
	}
	return keys
}
