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
		return c.of(fmt.Sprintf("{t%d}s", tag))
	}
	return c.of(fmt.Sprintf("{t%d}p%d", tag%3, c.owner()))
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

// ownKeys are as many keys that only this request names.
func (c *Client) ownKeys(keys []string, as, id string) []string {
	for i := range keys {
		keys[i] = c.of(fmt.Sprintf("{t%d}%s%d", c.w.Rnd.IntN(scenario.Tags), as, i)) + "#" + id
	}
	return keys
}
